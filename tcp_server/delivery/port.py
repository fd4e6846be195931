"""A session's port: where its packets go, and whether it keeps up.

A port that is behind is a cursor, not a queue (PROTOCOL.md section 5): it hears no room, and is caught up from the log.
Only direct answers are postponed for it, and those are few, since a session that is behind is not read.

A session has its share of a tick. After so many packets, or so many bytes of answers, its next packets wait until the
tick's outputs are taken: a flood makes others wait for its share alone, and gathers no more than that.
"""

from __future__ import annotations

from tcp_server.chat.outputs import Output, StartHearing, StopHearing
from tcp_server.chat.state import Room, Session
from tcp_server.delivery.connection import Connection
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.pace import Pace, PaceEvent, next_pace
from tcp_server.delivery.postponed import ANSWERS_MAX, PostponedOutputs
from tcp_server.net.outlet import Outlet
from tcp_server.wordpacket import encode

PAGE_FIRST = 16  # messages; if all are as long as can be, half a MiB is read, of which one page is sent
SHARE = 64  # packets of a tick


class Port:
    """The end of a session that delivery sends to; a base for the two kinds of it.

    Attributes:
        connection: the connection that its bytes go to.
        pace: changed by `move` alone.
        rooms: the rooms that the session hears.
        after: while it is behind, the id up to which it was sent everything.
        page: how many messages are to be read at once, by the size of those before.
        told: while it is behind, each room's count `told` at the start; None: it needs each ROOM afresh.
        postponed: while it or its link is behind, answers that wait for the end of the replay; None: there are none.
        tick: the number of the tick that the share is of.
        share: how many packets the session may still send in that tick.
    """

    __slots__ = ("after", "connection", "pace", "page", "postponed", "rooms", "session", "share", "tick", "told")

    session: Session

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pace = Pace.OPENING
        self.rooms: tuple[Room, ...] = ()
        self.after = 0
        self.page = PAGE_FIRST
        self.told: dict[Room, int] | None = None
        self.postponed: PostponedOutputs | None = None
        self.tick = -1
        self.share = 0

    def move(self, event: PaceEvent) -> None:
        """Change the pace as the table says."""
        self.pace = next_pace(self.pace, event)

    # The share of a tick

    def has_used_share(self) -> bool:
        """Say whether the next packet must wait until the tick's outputs are taken."""
        return self.share <= 0 or self.session.owed > ANSWERS_MAX

    def renew_share(self, tick: int) -> None:
        """Begin the share of a new tick: the outputs of the one before are taken."""
        self.tick, self.share, self.session.owed = tick, SHARE, 0

    # What a link changes: its sessions share one connection

    @property
    def is_behind(self) -> bool:
        """Nothing may be sent now: direct answers are postponed, and all else comes from the log later."""
        return self.pace is Pace.BEHIND

    @property
    def is_connection_behind(self) -> bool:
        """The connection as a whole is behind: its sessions are caught up after it."""
        return False

    def postpone(self, output: Output) -> None:
        """Keep an output for the end of the replay."""
        if self.postponed is None:
            self.postponed = PostponedOutputs()
        self.postponed.add(output)

    def take_postponed(self) -> list[Output]:
        """Return the outputs that were postponed, and forget them."""
        postponed, self.postponed = self.postponed, None
        return postponed.take() if postponed is not None else []

    def begin_apart(self, fanout: Fanout[Outlet], room: Room) -> bool:
        """Say whether the session must have what is sent to the room now apart, by `end_apart`."""
        return False

    def end_apart(self, fanout: Fanout[Outlet], room: Room, body: bytes) -> None:
        """Send the session what was sent to the room since `begin_apart`."""

    def change_rooms(self, fanout: Fanout[Outlet], change: StartHearing | StopHearing) -> None:
        """Hear a room from here on, or hear it no more; a port that is behind learns of it when it is caught up."""
        if self.pace is Pace.LIVE or self.pace is Pace.OPENING:
            if isinstance(change, StartHearing):
                self.subscribe(fanout, change.room)
            else:
                self.unsubscribe(fanout, change.room)

    def opened(self, fanout: Fanout[Outlet], oldest: int) -> None:
        """The session has left OPENING, and gets the entries after the oldest id."""

    def proceed(self) -> None:
        """Go on with the packets that waited while the session was busy or behind."""
        self.connection.proceed()

    # Bytes and rooms

    def send(self, fanout: Fanout[Outlet], body: bytes) -> None:
        """Send the session one body."""
        fanout.send(self.connection, encode(body))

    def subscribe(self, fanout: Fanout[Outlet], room: Room) -> None:
        """From here on the session hears the room."""
        self.rooms += (room,)
        fanout.subscribe(self.connection, room)

    def unsubscribe(self, fanout: Fanout[Outlet], room: Room) -> None:
        """From here on the session doesn't hear the room."""
        self.rooms = tuple(each for each in self.rooms if each is not room)
        fanout.unsubscribe(self.connection, room)

    def unsubscribe_all(self, fanout: Fanout[Outlet]) -> None:
        for room in self.rooms:
            self.unsubscribe(fanout, room)

    # Being behind

    def return_behind(self, after: int, rooms: list[Room]) -> None:
        """Begin with a replay: the client has everything up to an id, and is told of its rooms as they are now."""
        self.move(PaceEvent.RETURNED)
        self.after, self.told = after, {room: room.told for room in rooms}

    def catch_up(self, fanout: Fanout[Outlet], rooms: tuple[Room, ...]) -> tuple[list[Room], list[Output]]:
        """Hear the rooms from here on: the last replay is sent.

        Returns:
            The rooms that were told something meanwhile, whose ROOM is due, and the outputs that were postponed.
        """
        self.move(PaceEvent.CAUGHT_UP)
        for room in rooms:
            self.subscribe(fanout, room)
        told, self.told = self.told, None
        return [room for room in rooms if told is None or told.get(room) != room.told], self.take_postponed()

    def close(self, fanout: Fanout[Outlet], last: bytes) -> None:
        """Send the last body, if there is one, and close."""
        self.unsubscribe_all(fanout)
        self.move(PaceEvent.ENDED)
        if last:
            self.send(fanout, last)
        fanout.flush()
        self.connection.close()
