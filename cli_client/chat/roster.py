"""A room's topic and its people, as the server tells of them. Pure data."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tcp_server.protocol import server_packets
from tcp_server.protocol.names import fold

TYPING_SECONDS = 6.0  # a TYPING counts for this long


@dataclass(slots=True, eq=False)
class Roster:
    """The topic, the members and the typists of a room; of a direct talk, the typists.

    Attributes:
        count: the number of members; None: the server has not told it.
        users: the members, folded -> as shown; of a big room not all.
    """

    topic: str = ""
    count: int | None = None
    users: dict[str, str] = field(default_factory=dict)
    _typing: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def describe(self, room: server_packets.RoomState) -> None:
        """Take a ROOM; one of a big room has no topic and no members, and keeps those from before."""
        self.count = room.count
        if room.topic is not None:
            self.topic = room.topic
        if room.users is not None:
            self.users = {fold(user): user for user in room.users}

    def set_topic(self, topic: str) -> None:
        self.topic = topic

    def enter(self, nickname: str) -> None:
        """Add a member."""
        if fold(nickname) not in self.users:
            self.users[fold(nickname)] = nickname
            self.count = (self.count or 0) + 1

    def leave(self, nickname: str) -> None:
        """Take a member out."""
        if self.users.pop(fold(nickname), None) is not None or self.count:
            self.count = max((self.count or 1) - 1, 0)
        self.end_typing(nickname)

    def rename(self, old: str, nickname: str) -> None:
        """Give a member another name."""
        self.users.pop(fold(old), None)
        self.users[fold(nickname)] = nickname

    def begin_typing(self, nickname: str, now: datetime) -> None:
        """Note that somebody types."""
        self._typing[fold(nickname)] = (nickname, now)

    def end_typing(self, nickname: str) -> None:
        """Note that somebody has stopped typing: their message has come, or they have left."""
        self._typing.pop(fold(nickname), None)

    def typists(self, now: datetime) -> list[str]:
        """Return the people who type here."""
        fresh = timedelta(seconds=TYPING_SECONDS)
        return [name for name, since in self._typing.values() if now - since < fresh]
