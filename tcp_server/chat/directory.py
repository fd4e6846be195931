"""The directory: users by name and by uid, rooms and their members, and the changes of both.

Only the hub calls this. It keeps the two sides of a membership (the room's and the user's) in step, and notes each
change for the log, so that a server that ended suddenly finds the same people in the same rooms.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

import msgspec

from tcp_server.chat.state import Room, User
from tcp_server.protocol.names import Nickname, RoomName


class Present(msgspec.Struct, frozen=True):
    """Where a present user is: a copy that may leave the thread."""

    nickname: str
    rooms: list[str]  # keys, in the order of joining


class Changes(msgspec.Struct, frozen=True):
    """What is to be stored beside the messages: rooms with their topics, and who is present where."""

    rooms: dict[str, tuple[str, str]]  # key -> name, topic
    roster: dict[int, Present | None]  # uid -> None where no longer present


class Directory:
    """Users and rooms. Rooms are never forgotten; users are present or gone."""

    def __init__(self, rooms: Iterable[Room]) -> None:
        self.rooms = {room.key: room for room in rooms}
        self.users: dict[str, User] = {}
        self.users_by_uid: dict[int, User] = {}
        self._peopled: list[str] = []  # keys of rooms with members, sorted
        self._changed_rooms: set[str] = set()
        self._changed_users: set[int] = set()

    def take_changes(self) -> Changes | None:
        """Return what is to be stored, if anything is, and forget it."""
        if not self._changed_rooms and not self._changed_users:
            return None
        changes = Changes(
            {key: (self.rooms[key].name, self.rooms[key].topic) for key in self._changed_rooms},
            {uid: self._present(uid) for uid in self._changed_users},
        )
        self._changed_rooms = set()
        self._changed_users = set()
        return changes

    def give_back(self, changes: Changes) -> None:
        """Take changes that could not be stored, to return them again later as they are then."""
        self._changed_rooms.update(changes.rooms)
        self._changed_users.update(changes.roster)

    def _present(self, uid: int) -> Present | None:
        user = self.users_by_uid.get(uid)
        return None if user is None else Present(user.nickname, [room.key for room in user.rooms])

    def find_room(self, name: RoomName) -> Room | None:
        """Return the room of a checked name."""
        return self.rooms.get(name.key)

    def find_user(self, nickname: Nickname) -> User | None:
        """Return the user present under a checked nickname."""
        return self.users.get(nickname.key)

    def open_room(self, name: RoomName) -> Room:
        """Return the room of a checked name, made if it was never seen."""
        room = self.rooms.get(name.key)
        if room is None:
            room = Room(name.key, str(name))
            self.rooms[room.key] = room
            self._changed_rooms.add(room.key)
        return room

    def set_topic(self, room: Room, topic: str) -> None:
        room.topic = topic
        self._changed_rooms.add(room.key)

    def peopled(self, after: str, limit: int) -> list[Room]:
        """Return rooms with members, in the order of their keys, from after the given key on."""
        start = bisect_right(self._peopled, after) if after else 0
        return [self.rooms[key] for key in self._peopled[start : start + limit]]

    def add_user(self, uid: int, nickname: Nickname) -> User:
        """Make a user present; nobody else is, under this nickname or uid."""
        user = User(uid, str(nickname), nickname.key)
        self.users[user.key] = self.users_by_uid[uid] = user
        self._changed_users.add(uid)
        return user

    def remove_user(self, user: User) -> None:
        """Forget a user that has left all its rooms."""
        del self.users[user.key]
        del self.users_by_uid[user.uid]
        self._changed_users.add(user.uid)

    def rename(self, user: User, nickname: Nickname) -> None:
        """Give a present user a nickname that nobody else has."""
        for room in user.rooms:
            room.remove(user)
        del self.users[user.key]
        user.nickname, user.key = str(nickname), nickname.key
        self.users[user.key] = user
        for room in user.rooms:
            room.add(user)
        self._changed_users.add(user.uid)

    def enter(self, user: User, room: Room) -> None:
        if not room.members:
            insort(self._peopled, room.key)
        room.add(user)
        user.rooms.append(room)
        self._changed_users.add(user.uid)

    def leave(self, user: User, room: Room) -> None:
        room.remove(user)
        user.rooms.remove(room)
        if not room.members:
            del self._peopled[bisect_left(self._peopled, room.key)]
        self._changed_users.add(user.uid)
