"""What the tests of the chat have in common: a session that is in some rooms, and its lines."""

from datetime import datetime, timedelta, timezone

from cli_client.chat.effects import (
    Effect,
)
from cli_client.chat.session import ChatSession
from cli_client.chat.views import View
from cli_client.library.outbox import Outgoing
from tcp_server.protocol import server_packets

ZONE = timezone(timedelta(hours=1))
NOW = datetime(2026, 11, 22, 13, 30, tzinfo=ZONE)


def entered(*rooms: str, paged: bool = True) -> ChatSession:
    """Return a session that is in these rooms, else in the lobby."""
    made = ChatSession("alice", NOW, paged=paged)
    made.received(server_packets.Ready(nickname="alice", rooms=list(rooms) or ["lobby"]), NOW)
    return made


def texts(view: View) -> list[str]:
    return [line.text for line in view.lines]


def only(actions: object) -> Effect:
    (action,) = actions  # type: ignore[misc]
    return action


def outgoing(ref: str = "r1", **fields: object) -> Outgoing:
    return Outgoing(ref, "hello", **({"room": "lobby"} | fields))
