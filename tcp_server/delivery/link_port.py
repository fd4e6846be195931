"""A numbered session on a link: its packets carry the number, its subscriptions are told to the bridge."""

from __future__ import annotations

from typing import Protocol

from tcp_server.chat.outputs import Output, StartHearing, StopHearing
from tcp_server.chat.state import Room
from tcp_server.delivery.connection import Connection
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.pace import Pace, PaceEvent
from tcp_server.delivery.port import Port
from tcp_server.net.outlet import Outlet
from tcp_server.protocol import server_packets
from tcp_server.protocol.server_packets import address_session, format
from tcp_server.wordpacket import encode

NEWEST = 2**63 - 1  # an id after all others: the session was sent everything


class Carrier(Protocol):
    """The link, as far as its sessions' ports need it."""

    connection: Connection
    is_behind: bool
    after: int
    postponed: list[Output]
    leaving: list[LinkPort]

    def subscribe(self, fanout: Fanout[Outlet], room: Room) -> None: ...
    def unsubscribe(self, fanout: Fanout[Outlet], room: Room) -> None: ...
    def forget(self, port: LinkPort) -> None: ...
    def proceed(self, port: LinkPort) -> None: ...


class LinkPort(Port):
    """A session's port on a link.

    Attributes:
        inbox: bodies that wait while the session is busy or behind.
        is_pause_due: the bridge paused the session before READY.
    """

    __slots__ = ("_link", "inbox", "is_pause_due", "number")

    def __init__(self, link: Carrier, number: int) -> None:
        super().__init__(link.connection)
        self._link = link
        self.number = number
        self.inbox: list[bytes] = []
        self.is_pause_due = False

    @property
    def is_behind(self) -> bool:
        return self.pace in (Pace.BEHIND, Pace.PAUSED) or self._link.is_behind

    @property
    def is_connection_behind(self) -> bool:
        return self._link.is_behind

    def postpone(self, output: Output) -> None:
        if self._link.is_behind:
            self._link.postponed.append(output)
        else:
            super().postpone(output)

    def change_rooms(self, fanout: Fanout[Outlet], change: StartHearing | StopHearing) -> None:
        """As any port; while the link is behind, a live session leaves the link's replay, to be caught up alone."""
        if not self._link.is_behind:
            super().change_rooms(fanout, change)
        elif self.pace is Pace.OPENING:
            self._link.postponed.append(change)
        elif self.pace is Pace.LIVE:
            self.move(PaceEvent.LAGGED)  # its subscriptions stay until the link's next replay
            self.after, self.told = self._link.after, None
            self._link.leaving.append(self)

    def opened(self, fanout: Fanout[Outlet]) -> None:
        if self.is_pause_due:
            self.is_pause_due = False
            self.pause(fanout)

    def proceed(self) -> None:
        self._link.proceed(self)

    def send(self, fanout: Fanout[Outlet], body: bytes) -> None:
        fanout.send(self.connection, encode(address_session(self.number, body)))

    def subscribe(self, fanout: Fanout[Outlet], room: Room) -> None:
        self.rooms += (room,)
        self.send(fanout, format(server_packets.Subscribe(room.name)))
        self._link.subscribe(fanout, room)

    def unsubscribe(self, fanout: Fanout[Outlet], room: Room) -> None:
        self.rooms = tuple(each for each in self.rooms if each is not room)
        self.send(fanout, format(server_packets.Unsubscribe(room.name)))
        self._link.unsubscribe(fanout, room)

    def pause(self, fanout: Fanout[Outlet]) -> None:
        """Hear no more rooms, until the bridge says from which id to catch up.

        Before READY the pause is put off until the session goes live. A second pause changes nothing.
        """
        if self.pace is Pace.OPENING:
            self.is_pause_due = True
        elif self.pace is Pace.LIVE or self.pace is Pace.BEHIND:
            if self.pace is Pace.LIVE:
                self.after = NEWEST
            self.move(PaceEvent.PAUSED)
            self._drop_rooms(fanout)

    def resume(self, after: int) -> bool:
        """Be behind from the id that the browser has, or from an older one; False: the session isn't paused."""
        if self.pace is not Pace.PAUSED:
            return False
        self.move(PaceEvent.RESUMED)
        self.after, self.told = min(after, self.after), None
        return True

    def close(self, fanout: Fanout[Outlet], last: bytes) -> None:
        self._drop_rooms(fanout)
        self.move(PaceEvent.ENDED)
        if last:
            self.send(fanout, last)
        self._link.forget(self)

    def _drop_rooms(self, fanout: Fanout[Outlet]) -> None:
        """Hear no more rooms without an UNSUBSCRIBE for each: the bridge knows."""
        for room in self.rooms:
            self._link.unsubscribe(fanout, room)
        self.rooms = ()
