"""What the session wants done. Values only; the driver carries them out, or hands them to the face."""

import enum
from dataclasses import dataclass
from typing import TypeAlias

from cli_client.chat.lines import Line
from tcp_server.protocol.client_packets import ClientPacket
from tcp_server.protocol.server_packets import Msg


class Purpose(enum.Enum):
    """Why something was asked, where the request's type doesn't tell."""

    USUAL = "usual"
    OLDER = "older"  # history above the first line of a view
    PRINT = "print"  # history to be listed
    CONTEXT = "context"  # history around a hit


@dataclass(frozen=True, slots=True)
class SendText:
    """Send a message; report it by `ChatSession.queued`."""

    target: str
    text: str
    action: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the server; report the answer by `ChatSession.answered` or `ChatSession.refused`."""

    request: ClientPacket
    target: str = ""
    purpose: Purpose = Purpose.USUAL
    found: tuple[Msg, ...] = ()  # the messages in an earlier answer to the same question
    number: int = 0  # of the hit whose context is asked for


@dataclass(frozen=True, slots=True)
class Rename:
    """Take another nickname; report it by `ChatSession.renamed` or `ChatSession.refused`."""

    nickname: str


@dataclass(frozen=True, slots=True)
class Export:
    """Write all messages of these targets to a file; report it by `ChatSession.note` or `ChatSession.fail`."""

    path: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resend:
    """Send the failed messages with these refs again."""

    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Discard:
    """Forget the failed messages with these refs."""

    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Show:
    """A new line of a view. A face that draws whole views has nothing more to do with it."""

    target: str
    line: Line


@dataclass(frozen=True, slots=True)
class ScrollUp:
    """Show the page above; only a face that is paged gets this."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Say goodbye with this message and end."""

    message: str = ""


FaceEffect: TypeAlias = Show | ScrollUp | Quit
Effect: TypeAlias = SendText | Ask | Rename | Export | Resend | Discard | FaceEffect
