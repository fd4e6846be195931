"""What a `ResumingSession` wants of its owner: a closed set, to be applied in order."""

from dataclasses import dataclass
from typing import TypeAlias

from cli_client.library.codes import Then
from cli_client.library.events import Event
from tcp_server.protocol.server_packets import ServerPacket


@dataclass(frozen=True, slots=True)
class Write:
    """Write a packet's body to the connection."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Happened:
    """An event for the program; `body` is the server's, empty for an event of the client's own."""

    event: Event
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answered:
    """The direct answer to the request with this ref; a RETRY or ERROR is its refusal."""

    ref: str
    packet: ServerPacket
    body: bytes


@dataclass(frozen=True, slots=True)
class Hangup:
    """Close the connection.

    Attributes:
        reason: for people.
        code: the reason of the server's BYE or RETRY, or empty.
        then: what the link does next; after ASK it tries on, for the person may answer meanwhile.
    """

    reason: str
    code: str = ""
    then: Then = Then.AGAIN


Output: TypeAlias = Write | Happened | Answered | Hangup
