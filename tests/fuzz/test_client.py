"""Whatever a server sends, the client neither falls over nor shows anything raw."""

import contextlib
import unicodedata
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cli_client.chat.book import START_TARGET
from cli_client.chat.session import ChatSession
from cli_client.library.outbox import Outbox
from cli_client.library.outputs import Happened
from cli_client.library.resume import ResumingSession
from cli_client.pipe.plain import format_line
from cli_client.screen.paint import Columns, paint
from cli_client.screen.status import topic_bar
from tcp_server.protocol import server_packets

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
TYPES = [
    "HELLO", "READY", "RETRY", "MSG", "JOIN", "LEAVE", "TOPIC", "NICK", "TYPING", "ROOM", "ROOMS", "USERS", "HISTORY",
    "SEARCH", "PING", "PONG", "NOTICE", "GAP", "ERROR", "BYE", "RESUME", "FUTURE",
]  # fmt: skip
names = st.sampled_from(["alice", "bob", "lobby", "dev", "ＡＬＩＣＥ", "", "\x1b[31m", "日本"])
texts = st.one_of(names, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
ids = st.integers(-1, 6)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "nickname": names, "old": names, "room": names, "to": names, "message": texts, "topic": texts, "timestamp": texts,
    "reason": texts, "code": texts, "query": texts, "ref": st.sampled_from(["r1", "opening-1", "x"]),
    "id": ids, "after": ids, "count": ids, "more": st.booleans(), "resumed": st.booleans(), "action": st.booleans(),
    "rooms": st.lists(names, max_size=3), "users": st.lists(names, max_size=3), "epoch": names, "token": names,
    "protocol": st.sampled_from([1, 1, 1, 2]), "server": texts, "version": texts, "limits": st.just({}),
    "server_password": st.booleans(), "messages": st.just([]),
}  # fmt: skip
packets = st.fixed_dictionaries({"type": st.sampled_from(TYPES), **FIELDS}).flatmap(
    lambda packet: st.sets(st.sampled_from(sorted(FIELDS)), max_size=3).map(
        lambda missing: {key: value for key, value in packet.items() if key not in missing}
    )
)


@settings(max_examples=150)
@given(st.lists(packets, max_size=12))
def test_any_packets_are_taken_or_refused(sent: list[dict[str, Any]]) -> None:
    """Any sequence of packets gives outputs or MessageError, and views that can be painted without harm."""
    alice = ResumingSession("alice", ["lobby"], outbox=Outbox(lambda: "r1"))
    alice.outbox.add("hello", room="lobby")
    session = ChatSession("alice", NOW)
    alice.connected(0)
    for number, packet in enumerate(sent):
        try:
            outputs = list(alice.received(msgspec.json.encode(packet), number))
        except server_packets.MessageError:
            continue
        for output in outputs:
            if isinstance(output, Happened):
                session.received(output.event, NOW)
    alice.ended()
    for view in session.book.views:
        for line in view.lines:
            shown = [part for row in paint(line, Columns(40), "alice") for _, part in row]
            assert not any(unicodedata.category(c) == "Cc" for c in "".join(shown))
            assert "\n" not in format_line(view.target, line)
        topic_bar(view, 40)
    assert session.book.current.target == START_TARGET or session.book.current in session.book.views


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    """Any body gives outputs or MessageError, never another exception."""
    alice = ResumingSession("alice", outbox=Outbox(lambda: "r1"))
    alice.connected(0)
    with contextlib.suppress(server_packets.MessageError):
        list(alice.received(body, 0))
