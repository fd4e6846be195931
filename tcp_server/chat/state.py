"""What the hub owns: rooms, users and sessions.

Only the hub writes to these objects; `delivery` alone counts `newest` and `told`. They are small on purpose: an idle
user costs its entries here and one connection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import Any

import msgspec

from tcp_server.chat.phases import Phase


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

    While `busy`, an answer from the log is due: its port must hold the next packet back. `owed` counts the bytes of
    answers that the session's packets brought about since its port last set it to 0.
    """

    __slots__ = ("allowed", "bad_packets", "busy", "owed", "phase", "port", "refusals", "user")

    def __init__(self, port: Any) -> None:
        self.port = port  # the shell's; the hub never looks into it
        self.phase = Phase.OPENING
        self.allowed: Any = {}  # the row of `actions.ALLOWED` for the phase
        self.user: User | None = None
        self.bad_packets = 0
        self.refusals = 0
        self.busy = False
        self.owed = 0


def user_of(session: Session) -> User:
    """Return the user of a session after READY."""
    if session.user is None:
        raise AssertionError("only a session after READY gets here")
    return session.user
