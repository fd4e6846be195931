"""Fan-out: what each room and each connection is sent in one tick, joined into one write per connection.

This decides the price of a delivery. Most connections hear one busy room in a tick: they share one
`bytes`, joined once. Those that hear several share the bytes of their set of rooms, merged once per set in
the order of sending. Only who is sent something of its own, or came in the midst of the tick, gets bytes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from tcp_server.chat.state import Room

if TYPE_CHECKING:
    from tcp_server.net.outlet import Outlet

Numbered: TypeAlias = tuple[int, bytes]  # the place in the order of this tick, and a packet


class Fanout:
    """Collects packets in the order in which everybody must see them; `flush` writes them.

    Args:
        write_all: writes the same bytes to many outlets; that is where the time goes.
    """

    def __init__(self, write_all: Callable[[Iterable[Outlet], bytes], None]) -> None:
        self._write_all = write_all
        # In the order of arrival, which is nearly that in memory: walking them misses the processor's cache less.
        self._listeners: dict[Room, dict[Outlet, None]] = {}
        self._rooms: dict[Room, list[Numbered]] = {}  # this tick's packets of each room
        self._own: dict[Outlet, list[Numbered]] = {}  # this tick's packets for one connection
        self._arriving: dict[Room, list[Outlet]] = {}  # who came in the midst of this tick's packets of a room
        self._count = 0

    def subscribe(self, outlet: Outlet, room: Room) -> None:
        """From here on the outlet hears the room."""
        if room in self._rooms:  # what was sent before is not for it
            self._arriving.setdefault(room, []).append(outlet)
        else:
            self._listeners.setdefault(room, {})[outlet] = None

    def unsubscribe(self, outlet: Outlet, room: Room) -> None:
        """From here on the outlet doesn't hear the room."""
        if room in self._rooms:
            self.flush()  # what was sent before is still for it
        listeners = self._listeners.get(room)
        if listeners is not None:
            listeners.pop(outlet, None)
            if not listeners:
                del self._listeners[room]

    def broadcast(self, room: Room, packet: bytes) -> None:
        """Send a packet to all that hear the room."""
        self._count += 1
        numbered = self._count, packet
        packets = self._rooms.get(room)
        if packets is None:
            self._rooms[room] = [numbered]
        else:
            packets.append(numbered)
            for outlet in self._arriving.get(room, ()):
                self._own.setdefault(outlet, []).append(numbered)

    def send(self, outlet: Outlet, packet: bytes) -> None:
        """Send a packet to one outlet."""
        self._count += 1
        self._own.setdefault(outlet, []).append((self._count, packet))

    def flush(self) -> None:
        """Write what was collected, once per connection."""
        if not self._rooms and not self._own:
            return
        rooms, own, arriving = self._rooms, self._own, self._arriving
        self._rooms, self._own, self._arriving, self._count = {}, {}, {}, 0
        try:
            self._write(rooms, own)
        finally:
            for room, outlets in arriving.items():
                self._listeners.setdefault(room, {}).update(dict.fromkeys(outlets))

    def _write(self, rooms: dict[Room, list[Numbered]], own: dict[Outlet, list[Numbered]]) -> None:
        apart = self._hear_several(rooms) if len(rooms) > 1 else set()
        apart.update(own)
        for room, packets in rooms.items():
            data = packets[0][1] if len(packets) == 1 else b"".join([packet for _, packet in packets])
            outlets: Iterable[Outlet] = self._listeners.get(room, ())
            self._write_all([outlet for outlet in outlets if outlet not in apart] if apart else outlets, data)
        if apart:
            self._write_apart(apart, rooms, own)

    def _hear_several(self, rooms: Iterable[Room]) -> set[Outlet]:
        """Return who hears more than one of these rooms."""
        heard: set[Outlet] = set()
        several: set[Outlet] = set()
        for room in rooms:
            listeners = self._listeners.get(room, {})
            if not heard.isdisjoint(listeners):
                several.update(heard.intersection(listeners))
            heard.update(listeners)
        return several

    def _write_apart(
        self, apart: set[Outlet], rooms: dict[Room, list[Numbered]], own: dict[Outlet, list[Numbered]]
    ) -> None:
        """Write to those whose bytes are not just one room's."""
        hears: dict[Outlet, tuple[Room, ...]] = dict.fromkeys(apart, ())
        for room in rooms:
            for outlet in _both(apart, self._listeners.get(room, {})):
                hears[outlet] += (room,)
        joined: dict[tuple[Room, ...], bytes] = {}
        for outlet, some in hears.items():
            if outlet in own:
                self._write_all((outlet,), _join([*_packets(some, rooms), *own[outlet]]))
                continue
            data = joined.get(some)
            if data is None:
                data = joined[some] = _join(_packets(some, rooms))
            self._write_all((outlet,), data)


def _both(apart: set[Outlet], listeners: dict[Outlet, None]) -> list[Outlet]:
    """Return who is in both, by walking the smaller."""
    if len(apart) < len(listeners):
        return [outlet for outlet in apart if outlet in listeners]
    return [outlet for outlet in listeners if outlet in apart]


def _packets(some: Iterable[Room], rooms: dict[Room, list[Numbered]]) -> list[Numbered]:
    return [packet for room in some for packet in rooms[room]]


def _join(packets: list[Numbered]) -> bytes:
    packets.sort(key=_place)
    return b"".join([packet for _, packet in packets])


def _place(numbered: Numbered) -> int:
    return numbered[0]
