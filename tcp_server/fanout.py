"""Fan-out: what each room and each connection is sent in one tick, joined into one write per connection.

This decides the price of a delivery. Most connections hear one busy room in a tick: they share one
`bytes`, joined once. Those that hear several share the bytes of their set of rooms, merged once per set in
the order of sending. Only who is sent something of its own gets bytes of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from tcp_server.state import Room


class Outlet(Protocol):
    """What packets are written to: a connection."""

    write: Callable[[bytes], None]


Numbered: TypeAlias = tuple[int, bytes]  # the place in the order of this tick, and a packet


class Fanout:
    """Collects packets in the order in which everybody must see them; `flush` writes them."""

    def __init__(self) -> None:
        self._listeners: dict[Room, set[Outlet]] = {}
        self._rooms: dict[Room, list[Numbered]] = {}  # this tick's packets of each room
        self._own: dict[Outlet, list[Numbered]] = {}  # this tick's packets for one connection
        self._count = 0

    def subscribe(self, outlet: Outlet, room: Room) -> None:
        """From here on the outlet hears the room."""
        if room in self._rooms:
            self.flush()  # what was sent before is not for it
        self._listeners.setdefault(room, set()).add(outlet)

    def unsubscribe(self, outlet: Outlet, room: Room) -> None:
        """From here on the outlet doesn't hear the room."""
        if room in self._rooms:
            self.flush()  # what was sent before is still for it
        listeners = self._listeners.get(room)
        if listeners is not None:
            listeners.discard(outlet)
            if not listeners:
                del self._listeners[room]

    def broadcast(self, room: Room, packet: bytes) -> None:
        """Send a packet to all that hear the room."""
        self._count += 1
        packets = self._rooms.get(room)
        if packets is None:
            self._rooms[room] = [(self._count, packet)]
        else:
            packets.append((self._count, packet))

    def send(self, outlet: Outlet, packet: bytes) -> None:
        """Send a packet to one outlet."""
        self._count += 1
        self._own.setdefault(outlet, []).append((self._count, packet))

    def flush(self) -> None:
        """Write what was collected, once per connection."""
        if not self._rooms and not self._own:
            return
        rooms, own = self._rooms, self._own
        self._rooms, self._own, self._count = {}, {}, 0
        heard: dict[Outlet, tuple[Room, ...]] = {}
        joined: dict[tuple[Room, ...], bytes] = {}
        for room, packets in rooms.items():
            alone = (room,)
            joined[alone] = b"".join([packet for _, packet in packets])
            for outlet in self._listeners.get(room, ()):
                heard[outlet] = (*heard[outlet], room) if outlet in heard else alone
        for outlet, packets in own.items():
            mixed = [*packets, *(each for room in heard.pop(outlet, ()) for each in rooms[room])]
            outlet.write(_join(mixed))
        for outlet, hears in heard.items():
            data = joined.get(hears)
            if data is None:
                data = joined[hears] = _join([each for room in hears for each in rooms[room]])
            outlet.write(data)


def _join(packets: list[Numbered]) -> bytes:
    packets.sort(key=_place)
    return b"".join([packet for _, packet in packets])


def _place(numbered: Numbered) -> int:
    return numbered[0]
