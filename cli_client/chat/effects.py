"""What the session wants done; who runs it (`driver`) does it. Values only."""

import enum
from dataclasses import dataclass
from typing import TypeAlias

from cli_client.chat.views import Line
from tcp_server.protocol.client_packets import Request
from tcp_server.protocol.server_packets import Msg


class Purpose(enum.Enum):
    """Why something was asked, where its type doesn't tell."""

    USUAL = "usual"
    OLDER = "older"  # history above what is shown
    PRINT = "print"  # history to be listed
    CONTEXT = "context"  # history around a hit


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message; report it by `Session.queued`."""

    target: str
    text: str
    action: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the server; report the answer by `Session.answered` or `Session.refused`."""

    request: Request
    target: str = ""
    purpose: Purpose = Purpose.USUAL
    found: tuple[Msg, ...] = ()  # messages that an earlier answer to the same question brought
    number: int = 0  # of the hit whose context it is


@dataclass(frozen=True, slots=True)
class Rename:
    nickname: str


@dataclass(frozen=True, slots=True)
class Show:
    """A line that is new in a view. A face that draws views itself needs nothing of it."""

    target: str
    line: Line


@dataclass(frozen=True, slots=True)
class Export:
    """Write all messages of these targets to a file; report it by `Session.note` or `Session.fail`."""

    path: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the failed messages with these refs again."""

    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Discard:
    """Forget the failed messages with these refs."""

    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScrollUp:
    """Show what is above, by one page."""


@dataclass(frozen=True, slots=True)
class Quit:
    message: str = ""


Action: TypeAlias = Send | Ask | Rename | Show | Export | Retry | Discard | ScrollUp | Quit
