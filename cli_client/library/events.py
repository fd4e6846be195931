"""What a client tells the program that uses it.

An `Event` is one of the server's packets about the chat, as `server_packets` has them, or one of the facts below,
which the client itself found out.
"""

from dataclasses import dataclass
from typing import TypeAlias

from cli_client.library.outbox import Outgoing
from tcp_server.protocol.server_packets import (
    Error,
    Gap,
    Join,
    Leave,
    Msg,
    Nick,
    Notice,
    Ready,
    RoomState,
    Topic,
    Typing,
)


@dataclass(frozen=True, slots=True)
class Live:
    """The connection is up and every missed message has been received; unsent messages go out now.

    Attributes:
        resumed: the server took up the log where the last connection ended.
    """

    resumed: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is down.

    Attributes:
        reason: for people.
        retry_seconds: the time until the client tries again; None: never, since the server sent it away.
    """

    reason: str
    retry_seconds: float | None


@dataclass(frozen=True, slots=True)
class NotLetIn:
    """The server does not let this nickname in (any more). The client keeps trying; a rename may help.

    Attributes:
        reason: taken, invalid, reserved, registered or password (PROTOCOL.md section 3), or an error code.
        text: for people.
    """

    nickname: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of ours is in the log; every member of the room gets it."""

    outgoing: Outgoing
    message: Msg


@dataclass(frozen=True, slots=True)
class Postponed:
    """The server can't take a message of ours now (too fast, or its disk is full); the client sends it again later."""

    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Failed:
    """The server refused a message of ours; `outgoing.reason` says why. The program may retry or discard it."""

    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The server owes an answer and has said nothing for some seconds; soon the connection counts as lost.

    `Client.unanswered` has the seconds as they grow, and 0 again once the server says anything.
    """

    seconds: float


ServerEvent: TypeAlias = Msg | Join | Leave | Topic | Nick | Typing | RoomState | Ready | Notice | Gap | Error
ClientEvent: TypeAlias = Live | Lost | NotLetIn | Sent | Postponed | Failed | Unanswered
Event: TypeAlias = ServerEvent | ClientEvent
