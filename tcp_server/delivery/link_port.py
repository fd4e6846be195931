"""A numbered session on a link: its packets carry the number, its subscriptions are told to the bridge."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from tcp_server.chat.outputs import StartHearing, StopHearing
from tcp_server.chat.state import Room
from tcp_server.delivery.connection import Connection
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.pace import Pace, PaceEvent
from tcp_server.delivery.port import Port
from tcp_server.delivery.postponed import ANSWERS_MAX
from tcp_server.net.outlet import Outlet
from tcp_server.protocol import server_packets
from tcp_server.protocol.server_packets import address_session, format
from tcp_server.wordpacket import encode

NEWEST = 2**63 - 1  # an id after all others: the session was sent everything
INBOX_PACKETS = 128  # packets of a session that wait, and their bytes; with more, all its packets are refused
INBOX_BYTES = 256 * 1024


class Carrier(Protocol):
    """The link, as far as its sessions' ports need it."""

    connection: Connection
    is_behind: bool
    after: int
    leaving: list[LinkPort]

    def subscribe(self, fanout: Fanout[Outlet], room: Room) -> None: ...
    def unsubscribe(self, fanout: Fanout[Outlet], room: Room) -> None: ...
    def forget(self, port: LinkPort) -> None: ...
    def proceed(self, port: LinkPort) -> None: ...


class LinkPort(Port):
    """A session's port on a link.

    Attributes:
        inbox: bodies that wait while the session is busy or behind, or has used up its share of the tick.
        inbox_bytes: of these bodies.
        is_refusing: too many waited; until none does, those that come are refused, so that they stay in order.
        is_pause_due: the bridge paused the session before READY.
        oldest: the id after which the session gets entries; no replay begins before it.
    """

    __slots__ = ("_link", "inbox", "inbox_bytes", "is_pause_due", "is_refusing", "number", "oldest")

    def __init__(self, link: Carrier, number: int) -> None:
        super().__init__(link.connection)
        self._link = link
        self.number = number
        self.inbox: deque[bytes] = deque()
        self.inbox_bytes = 0
        self.is_refusing = False
        self.is_pause_due = False
        self.oldest = 0

    # Packets that wait

    def is_waiting(self) -> bool:
        """Say whether the session's next packet must wait."""
        return (
            self.session.busy
            or self.pace is Pace.BEHIND
            or self.has_used_share()
            or (self.postponed is not None and self.postponed.bytes > ANSWERS_MAX)
        )

    def keep(self, body: bytes) -> bool:
        """Keep a packet that must wait; False: it is to be refused."""
        if self.is_refusing or len(self.inbox) >= INBOX_PACKETS or self.inbox_bytes + len(body) > INBOX_BYTES:
            self.is_refusing = True
            return False
        self.inbox.append(body)
        self.inbox_bytes += len(body)
        return True

    def next_kept(self) -> bytes | None:
        """Return the packet that waited longest, if it needn't wait any more."""
        if not self.inbox or self.is_waiting():
            return None
        body = self.inbox.popleft()
        self.inbox_bytes -= len(body)
        self.is_refusing = self.is_refusing and bool(self.inbox)
        return body

    # As any port, with the difference that the link makes

    @property
    def is_behind(self) -> bool:
        return self.pace in (Pace.BEHIND, Pace.PAUSED) or self._link.is_behind

    @property
    def is_connection_behind(self) -> bool:
        return self._link.is_behind

    def begin_apart(self, fanout: Fanout[Outlet], room: Room) -> bool:
        """Let a room's packet pass the session by, which gets it under its number: a direct answer.

        If the bridge's PAUSE is on its way, the bridge drops what comes for the room, but not what comes for the
        session.
        """
        if self.is_behind or room not in self.rooms:
            return False
        self.send(fanout, format(server_packets.Unsubscribe(room.name)))
        return True

    def end_apart(self, fanout: Fanout[Outlet], room: Room, body: bytes) -> None:
        self.send(fanout, body)
        self.send(fanout, format(server_packets.Subscribe(room.name)))

    def change_rooms(self, fanout: Fanout[Outlet], change: StartHearing | StopHearing) -> None:
        """As any port; while the link is behind, a live session leaves the link's replay, to be caught up alone."""
        if not self._link.is_behind:
            super().change_rooms(fanout, change)
        elif self.pace is Pace.OPENING:
            self.postpone(change)
        elif self.pace is Pace.LIVE:
            self.move(PaceEvent.LAGGED)  # its subscriptions stay until the link's next replay
            self.after, self.told = self._link.after, None
            self._link.leaving.append(self)

    def opened(self, fanout: Fanout[Outlet], oldest: int) -> None:
        self.oldest = oldest
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
        """Be behind from the id that the browser has; False: the session isn't paused.

        It may stand at an older id, or the browser may have been sent nothing as old as this.
        """
        if self.pace is not Pace.PAUSED:
            return False
        self.move(PaceEvent.RESUMED)
        self.after, self.told = min(max(after, self.oldest), self.after), None
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
