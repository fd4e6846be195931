"""Fan-out: what each room and each connection is sent in one tick, joined into one write per connection.

This decides the price of a delivery. Most connections hear one busy room in a tick: they share one `bytes`, joined
once. Connections that hear several rooms share the bytes of their set of rooms, merged once per set in the order of
sending. Only a connection that is sent a frame of its own, or that came to a room in the midst of the tick, gets bytes
of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeAlias, TypeVar

from tcp_server.chat.state import Room

Sink = TypeVar("Sink")  # an outlet; only `write_all` looks into it
Numbered: TypeAlias = tuple[int, bytes]  # the place in the order of this tick, and a frame


class Fanout(Generic[Sink]):
    """Collects frames in the order in which everybody must see them; `flush` writes them.

    Args:
        write_all: writes the same bytes to many outlets; that is where the time goes.
    """

    def __init__(self, write_all: Callable[[Iterable[Sink], bytes], None]) -> None:
        self._write_all = write_all
        # In the order of arrival, which is nearly that in memory: walking them misses the processor's cache less.
        self._listeners: dict[Room, dict[Sink, None]] = {}
        self._rooms: dict[Room, list[Numbered]] = {}  # this tick's frames of each room
        self._own: dict[Sink, list[Numbered]] = {}  # this tick's frames for one outlet
        self._arriving: dict[Room, list[Sink]] = {}  # outlets that came after the first frame of a room
        self._count = 0

    def subscribe(self, outlet: Sink, room: Room) -> None:
        """From here on the outlet hears the room."""
        if room in self._rooms:  # the frames before are not for it
            self._arriving.setdefault(room, []).append(outlet)
        else:
            self._listeners.setdefault(room, {})[outlet] = None

    def unsubscribe(self, outlet: Sink, room: Room) -> None:
        """From here on the outlet doesn't hear the room."""
        if room in self._rooms:
            self.flush()  # the frames before are still for it
        listeners = self._listeners.get(room)
        if listeners is not None:
            listeners.pop(outlet, None)
            if not listeners:
                del self._listeners[room]

    def broadcast(self, room: Room, frame: bytes) -> None:
        """Send a frame to all that hear the room."""
        self._count += 1
        numbered = self._count, frame
        frames = self._rooms.get(room)
        if frames is None:
            self._rooms[room] = [numbered]
        else:
            frames.append(numbered)
            for outlet in self._arriving.get(room, ()):
                self._own.setdefault(outlet, []).append(numbered)

    def send(self, outlet: Sink, frame: bytes) -> None:
        """Send a frame to one outlet."""
        self._count += 1
        self._own.setdefault(outlet, []).append((self._count, frame))

    def flush(self) -> None:
        """Write the frames that were collected, once per connection."""
        if not self._rooms and not self._own:
            return
        rooms, own, arriving = self._rooms, self._own, self._arriving
        self._rooms, self._own, self._arriving, self._count = {}, {}, {}, 0
        try:
            self._write(rooms, own)
        finally:
            for room, outlets in arriving.items():
                self._listeners.setdefault(room, {}).update(dict.fromkeys(outlets))

    def _write(self, rooms: dict[Room, list[Numbered]], own: dict[Sink, list[Numbered]]) -> None:
        apart = self._hear_several(rooms) if len(rooms) > 1 else set()
        apart.update(own)
        for room, frames in rooms.items():
            data = frames[0][1] if len(frames) == 1 else b"".join([frame for _, frame in frames])
            outlets: Iterable[Sink] = self._listeners.get(room, ())
            self._write_all([outlet for outlet in outlets if outlet not in apart] if apart else outlets, data)
        if apart:
            self._write_apart(apart, rooms, own)

    def _hear_several(self, rooms: Iterable[Room]) -> set[Sink]:
        """Return the outlets that hear more than one of these rooms."""
        heard: set[Sink] = set()
        several: set[Sink] = set()
        for room in rooms:
            listeners = self._listeners.get(room, {})
            if not heard.isdisjoint(listeners):
                several.update(heard.intersection(listeners))
            heard.update(listeners)
        return several

    def _write_apart(
        self, apart: set[Sink], rooms: dict[Room, list[Numbered]], own: dict[Sink, list[Numbered]]
    ) -> None:
        """Write to the outlets whose bytes are not just one room's."""
        hears: dict[Sink, tuple[Room, ...]] = dict.fromkeys(apart, ())
        for room in rooms:
            for outlet in _both(apart, self._listeners.get(room, {})):
                hears[outlet] += (room,)
        joined: dict[tuple[Room, ...], bytes] = {}
        for outlet, some in hears.items():
            if outlet in own:
                self._write_all((outlet,), _join([*_frames(some, rooms), *own[outlet]]))
                continue
            data = joined.get(some)
            if data is None:
                data = joined[some] = _join(_frames(some, rooms))
            self._write_all((outlet,), data)


def _both(apart: set[Sink], listeners: dict[Sink, None]) -> list[Sink]:
    """Return the outlets that are in both, by walking the smaller."""
    if len(apart) < len(listeners):
        return [outlet for outlet in apart if outlet in listeners]
    return [outlet for outlet in listeners if outlet in apart]


def _frames(some: Iterable[Room], rooms: dict[Room, list[Numbered]]) -> list[Numbered]:
    return [frame for room in some for frame in rooms[room]]


def _join(frames: list[Numbered]) -> bytes:
    frames.sort(key=_place)
    return b"".join([frame for _, frame in frames])


def _place(numbered: Numbered) -> int:
    return numbered[0]
