"""What the hub owns: rooms, users and sessions, and the outputs by which it says what is to be done.

Only the hub writes to these objects (`delivery` alone counts `newest` and `told`). They are
small on purpose: an idle user costs its entries here and one connection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from tcp_server.chat.phases import Phase
from tcp_server.protocol.client_packets import AnyRequest
from tcp_server.protocol.server_packets import ErrorCode


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A point in time: `seconds` on a clock that never jumps, and the same moment in UTC."""

    seconds: float
    millis: int  # since 1970
    timestamp: str  # RFC 3339 with milliseconds


class Room:
    """A room, its members, and the newest id that was sent to them."""

    __slots__ = ("_order", "key", "members", "name", "newest", "told", "topic")

    def __init__(self, key: str, name: str, topic: str = "", newest: int = 0) -> None:
        self.key = key
        self.name = name
        self.topic = topic
        self.newest = newest
        self.told = 0  # how often its members were told something that is not in the log
        self.members: dict[str, User] = {}
        self._order: list[str] = []  # the members' keys, sorted: lists are pages of it, never a sort

    def add(self, user: User) -> None:
        self.members[user.key] = user
        insort(self._order, user.key)

    def remove(self, user: User) -> None:
        del self.members[user.key]
        del self._order[bisect_left(self._order, user.key)]

    def nicknames(self, after: str = "", limit: int | None = None) -> list[str]:
        """Return the members' nicknames in the order of their keys, from after the given key on."""
        start = bisect_right(self._order, after) if after else 0
        stop = None if limit is None else start + limit
        return [self.members[key].nickname for key in self._order[start:stop]]


class User:
    """A nickname and a uid, present with its sessions or held for a while without one."""

    __slots__ = ("key", "nickname", "rooms", "sessions", "uid")

    def __init__(self, uid: int, nickname: str, key: str) -> None:
        self.uid = uid
        self.nickname = nickname
        self.key = key
        self.rooms: list[Room] = []
        self.sessions: list[Session] = []


class Session:
    """One connection of a user, or one number on a link.

    While `busy`, an answer from the log is due: its port must hold the next packet back.
    """

    __slots__ = ("bad_packets", "busy", "handlers", "phase", "port", "refusals", "user")

    def __init__(self, port: Any, handlers: Any) -> None:
        self.port = port  # the shell's; the hub never looks into it
        self.handlers = handlers  # what the phase allows
        self.phase = Phase.OPENING
        self.user: User | None = None
        self.bad_packets = 0
        self.refusals = 0
        self.busy = False


class Send(msgspec.Struct, gc=False):
    """A body for one session."""

    session: Session
    body: bytes


class Murmur(Send, gc=False):
    """A body for one session that may be left out where the session is behind."""


class SendNewest(msgspec.Struct, gc=False):
    """A body for one session whose `id` is the newest one sent before it: of the room, or of all."""

    session: Session
    body: bytes
    room: Room | None = None
    ref: str | None = None  # of the room's body


class Broadcast(msgspec.Struct, gc=False):
    """A body for every session that hears the room.

    For `answered` it is a direct answer too, which they get later where they are behind.
    """

    room: Room
    body: bytes
    answered: tuple[Session, ...] = ()


class Draft(msgspec.Struct, gc=False):
    """A message that the log is to give an id; then it goes to the room, or to both users of a direct one.

    With a `refusal` it is only looked up: the same `ref` may have been sent before, when it was allowed.
    """

    session: Session
    sender: User
    millis: int
    rest: bytes  # the body without `{"type":"MSG","id":…,`
    room: Room | None = None
    peer: User | None = None
    keys: tuple[str, str] | None = None  # of a direct message: sender's and peer's as they are shown in it
    ref: str | None = None
    refusal: tuple[ErrorCode, str] | None = None


@dataclass(slots=True)
class Subscribe:
    session: Session
    room: Room


@dataclass(slots=True)
class Unsubscribe:
    session: Session
    room: Room


@dataclass(slots=True)
class GoLive:
    """From here on the session hears its rooms and its direct messages.

    With `after`, what it missed comes first. `foreign` says that this id is of another log, so that it gets
    the newest messages instead.
    """

    session: Session
    after: int | None = None
    foreign: bool = False


@dataclass(slots=True)
class Read:
    """A question to the log; the session is busy until the hub was told the answer."""

    session: Session
    request: AnyRequest


@dataclass(slots=True)
class End:
    """The end of a session, with a last body unless that is empty; its connection is closed after it."""

    session: Session
    body: bytes


Output: TypeAlias = Send | Murmur | SendNewest | Broadcast | Draft | Subscribe | Unsubscribe | GoLive | Read | End


def user_of(session: Session) -> User:
    if session.user is None:
        raise AssertionError("only a session after READY gets here")
    return session.user
