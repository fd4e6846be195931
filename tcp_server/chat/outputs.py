"""Outputs: what the hub wants done, a closed union of values.

The shell applies them in order. They name sessions, rooms and users as `state` has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from tcp_server.chat.state import Room, Session, User
from tcp_server.protocol.client_packets import History, Search
from tcp_server.protocol.entries import EntryKind
from tcp_server.protocol.server_packets import ErrorCode


class Send(msgspec.Struct, gc=False):
    """A body for one session; a direct answer unless the session didn't ask for it."""

    session: Session
    body: bytes
    is_asked: bool = True


class Murmur(Send, gc=False):
    """A body for one session that may be left out where the session is behind."""


class SendNewest(msgspec.Struct, gc=False):
    """As `Send`, of a body whose `id` is the newest one sent before it: of the room, or of all."""

    session: Session
    body: bytes
    room: Room | None = None
    ref: str | None = None  # of the room's body
    is_asked: bool = True


class Broadcast(msgspec.Struct, gc=False):
    """A body for every session that hears the room.

    It is about the user of the sessions `concerned`, which get it later where they are behind, and the direct answer
    for one of them, the asker.
    """

    room: Room
    body: bytes
    concerned: tuple[Session, ...] = ()
    asker: Session | None = None


class Draft(msgspec.Struct, gc=False):
    """An entry that the log is to give an id; then it goes to the room, or to both users of a direct message.

    With a `refusal` the draft is only looked up: the same `ref` may have been sent before, when it was allowed.
    """

    kind: EntryKind
    session: Session
    sender: User
    millis: int
    rest: bytes  # as `entries.entry_rest` makes it
    room: Room | None = None
    peer: User | None = None
    keys: tuple[str, str] | None = None  # of a direct message: sender's and peer's as they are shown in it
    ref: str | None = None
    refusal: tuple[ErrorCode, str] | None = None


@dataclass(slots=True)
class StartHearing:
    """From here on the session hears the room."""

    session: Session
    room: Room


@dataclass(slots=True)
class StopHearing:
    """From here on the session doesn't hear the room."""

    session: Session
    room: Room


@dataclass(slots=True)
class GoLive:
    """From here on the session hears its rooms and its direct messages.

    With `after`, the session gets first what it missed. `foreign` says that this id is of another log: the session gets
    the newest messages instead.
    """

    session: Session
    after: int | None = None
    foreign: bool = False


@dataclass(slots=True)
class AskLog:
    """A question to the log; the session is busy until the hub was told the answer."""

    session: Session
    question: History | Search


@dataclass(slots=True)
class End:
    """The end of a session, with a last body unless that is empty; its connection is closed after it."""

    session: Session
    body: bytes


Output: TypeAlias = Send | Murmur | SendNewest | Broadcast | Draft | StartHearing | StopHearing | GoLive | AskLog | End
