"""What a client tells the program that uses it, beside the server's own packets.

An `Event` is one of the server's packets about the chat, as `server_packets` has them, or one of the
facts below, which the client itself found out.
"""

from dataclasses import dataclass
from typing import TypeAlias

from cli_client.library.outbox import Outgoing
from tcp_server.protocol.server_packets import Error, Gap, Join, Leave, Msg, Nick, Notice, Ready, Room, Topic, Typing


@dataclass(frozen=True, slots=True)
class Live:
    """The link is up and everything missed has been received; what is unsent goes out now.

    Attributes:
        resumed: the server took up where the last connection ended.
    """

    resumed: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The link is down.

    Attributes:
        reason: for people.
        retry_seconds: when the client tries again; None: it doesn't, the server sent it away.
    """

    reason: str
    retry_seconds: float | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server does not let this nickname in (any more); the client keeps trying, a rename may help.

    Attributes:
        reason: taken, invalid, reserved, registered or password (PROTOCOL.md section 3), or an error code.
        text: for people.
    """

    nickname: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of ours is in the log, and every member of the room gets it."""

    outgoing: Outgoing
    message: Msg


@dataclass(frozen=True, slots=True)
class Held:
    """The server can't take a message now (too fast, or its disk is full); it is tried again by itself."""

    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Failed:
    """The server refused a message of ours; `outgoing.reason` says why. It can be retried or discarded."""

    outgoing: Outgoing


ServerEvent: TypeAlias = (
    Msg | Join | Leave | Topic | Nick | Typing | Room | Ready | Notice | Gap | Error
)  # fmt: skip
ClientEvent: TypeAlias = Live | Lost | Refused | Sent | Held | Failed
Event: TypeAlias = ServerEvent | ClientEvent
