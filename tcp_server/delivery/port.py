"""A session's port: where its packets go, and whether it keeps up.

A port that is behind is a cursor, not a queue (PROTOCOL.md section 5): it hears no room, and is caught up from
the log. Only direct answers are held for it, and those are few, since a session that is behind is not read.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tcp_server.chat.state import Output, Room, Session
from tcp_server.protocol.server_packets import Subscribe, Unsubscribe, address_session, format
from tcp_server.wordpacket import encode

if TYPE_CHECKING:
    from tcp_server.delivery.connection import Connection
    from tcp_server.delivery.fanout import Fanout
    from tcp_server.delivery.link import Link


PAGE_FIRST = 16  # messages; if all are as long as can be, half a MiB
NEWEST = 2**63 - 1  # as an id: whatever there is, it was sent


class Pace(Enum):
    OPENING = "nothing but direct answers yet"
    LIVE = "hears its rooms"
    BEHIND = "is being caught up from the log"
    PAUSED = "the bridge will say from where to catch up"
    CLOSED = "gets nothing any more"


class Port:
    """What the two kinds of port have in common; `connection` and `send` differ.

    Attributes:
        rooms: what it hears, as far as it was told.
        after: while it is behind, the id up to which it was sent everything.
        page: how many messages are to be read at once, by the size of those before.
        told: while it is behind, how much each of its rooms had been told; None: it needs each ROOM afresh.
        held: while it is behind, direct answers that wait for the end of the replay.
    """

    __slots__ = ("after", "connection", "held", "pace", "page", "rooms", "session", "told")

    session: Session

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pace = Pace.OPENING
        self.rooms: tuple[Room, ...] = ()
        self.after = 0
        self.page = PAGE_FIRST
        self.told: dict[Room, int] | None = None
        self.held: list[Output] | None = None

    @property
    def is_behind(self) -> bool:
        return self.pace is Pace.BEHIND

    def send(self, fanout: Fanout, body: bytes) -> None:
        """Send the session one body."""
        fanout.send(self.connection, encode(body))

    def subscribe(self, fanout: Fanout, room: Room) -> None:
        """From here on the session hears the room."""
        self.rooms += (room,)
        fanout.subscribe(self.connection, room)

    def unsubscribe(self, fanout: Fanout, room: Room) -> None:
        self.rooms = tuple(each for each in self.rooms if each is not room)
        fanout.unsubscribe(self.connection, room)

    def hold(self, output: Output) -> None:
        """Keep a direct answer for the end of the replay."""
        if self.held is None:
            self.held = []
        self.held.append(output)

    def fall_behind(self, fanout: Fanout, after: int) -> None:
        """Hear no more rooms: everything up to an id was sent."""
        for room in self.rooms:
            fanout.unsubscribe(self.connection, room)
        self.rooms = ()
        self.pace, self.after, self.told = Pace.BEHIND, after, None

    def close(self, fanout: Fanout, last: bytes) -> None:
        """Send the last body, if there is one, and close."""
        for room in self.rooms:
            self.unsubscribe(fanout, room)
        self.pace = Pace.CLOSED
        if last:
            self.send(fanout, last)
        fanout.flush()
        self.connection.close()


class LinkPort(Port):
    """A numbered session on a link: its packets carry the number, its subscriptions are told to the bridge."""

    __slots__ = ("inbox", "is_pause_due", "link", "number")

    def __init__(self, link: Link, number: int) -> None:
        super().__init__(link.connection)
        self.link = link
        self.number = number
        self.inbox: list[bytes] = []  # what came while the session was busy
        self.is_pause_due = False  # the bridge paused it before READY

    @property
    def is_behind(self) -> bool:
        return self.pace in (Pace.BEHIND, Pace.PAUSED) or self.link.is_behind

    def send(self, fanout: Fanout, body: bytes) -> None:
        fanout.send(self.connection, encode(address_session(self.number, body)))

    def subscribe(self, fanout: Fanout, room: Room) -> None:
        self.rooms += (room,)
        self.send(fanout, format(Subscribe(room.name)))
        self.link.subscribe(fanout, room)

    def unsubscribe(self, fanout: Fanout, room: Room) -> None:
        self.rooms = tuple(each for each in self.rooms if each is not room)
        self.send(fanout, format(Unsubscribe(room.name)))
        self.link.unsubscribe(fanout, room)

    def fall_behind(self, fanout: Fanout, after: int) -> None:
        for room in self.rooms:
            self.unsubscribe(fanout, room)
        self.pace, self.after, self.told = Pace.BEHIND, after, None

    def pause(self, fanout: Fanout) -> None:
        """Hear no more rooms, until the bridge says what the browser has; the bridge knows, so it isn't told.

        Before READY that is put off until the session goes live.
        """
        if self.pace is Pace.OPENING:
            self.is_pause_due = True
        elif self.pace is Pace.LIVE or self.pace is Pace.BEHIND:
            for room in self.rooms:
                self.link.unsubscribe(fanout, room)
            self.rooms = ()
            if self.pace is Pace.LIVE:
                self.after = NEWEST
            self.pace = Pace.PAUSED

    def close(self, fanout: Fanout, last: bytes) -> None:
        for room in self.rooms:
            self.link.unsubscribe(fanout, room)
        self.rooms = ()
        self.pace = Pace.CLOSED
        if last:
            self.send(fanout, last)
        self.link.forget(self)
