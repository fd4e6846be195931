"""Which browsers hear which rooms: a room's frames are joined once a tick, and written once to each browser.

Browsers that hear the same rooms form an audience and share its joined bytes: a tick costs each browser one turn of
the loop in `write_all`. A browser that gets a frame of its own within a tick, or whose rooms change, is settled: it is
brought up to that place in the order of the link, and served apart for the rest of the tick. So every browser sees the
order of the link (PROTOCOL.md section 6).

A `sequence` numbers the rooms' frames. `Hearer.since` is the sequence up to which a browser was settled. A browser was
sent every later frame of its audience's rooms, so its cursor follows from the rooms: no message touches each browser.
"""

from collections.abc import Callable, Iterable

from tcp_server.net.outlet import Outlet
from ws_bridge.stats import Stats


class Hearer(Outlet):
    """The part of a browser that `Audiences` owns: nobody else sets `audience` and `since`."""

    __slots__ = ("audience", "cursor", "since")

    def __init__(self) -> None:
        self.audience: Audience = NOBODY
        self.since = 0
        self.cursor = 0  # id of the last MSG that the browser was sent


class HeardRoom:
    """A room that some browser hears."""

    __slots__ = ("audiences", "joined", "name", "newest", "newest_at", "pending")

    def __init__(self, name: str) -> None:
        self.name = name
        self.audiences: dict[Audience, None] = {}  # a set that keeps its order
        self.pending: list[tuple[int, bytes]] = []  # this tick's (sequence, frame)
        self.joined = b""  # the same frames joined, once an audience needs them
        self.newest = 0  # id of its last MSG on this link
        self.newest_at = 0  # the sequence of that MSG


class Audience:
    """The browsers that hear exactly these rooms."""

    __slots__ = ("members", "names", "rooms", "size")

    def __init__(self, names: tuple[str, ...], rooms: tuple[HeardRoom, ...]) -> None:
        self.names = names
        self.rooms = rooms
        self.size = 0  # its browsers, with those that are served apart
        self.members: dict[Hearer, None] = {}  # in the order of arrival, which is nearly that in memory

    def frames(self, since: int) -> list[bytes]:
        """Return this tick's frames of all rooms here after `since`, in the link's order."""
        active = [room.pending for room in self.rooms if room.pending]
        if len(active) == 1:
            entries: Iterable[tuple[int, bytes]] = active[0]
        else:
            entries = sorted([entry for pending in active for entry in pending])
        return [frame for sequence, frame in entries if sequence > since]

    def join(self) -> tuple[int, bytes]:
        """Return the number of this tick's frames, and these frames joined."""
        active = [room for room in self.rooms if room.pending]
        if len(active) > 1:
            frames = self.frames(0)
            return len(frames), b"".join(frames)
        room = active[0]
        if not room.joined:  # audiences that differ only in quiet rooms share the bytes of the busy room
            room.joined = b"".join([frame for _, frame in room.pending])
        return len(room.pending), room.joined


NOBODY = Audience((), ())  # of every browser that hears no room; it has no members and never changes


class Audiences:
    """All rooms and audiences of the bridge.

    After calling `queue`, `queue_own`, `subscribe` or `unsubscribe` any number of times, call `flush`: that ends the
    tick.

    Args:
        write_all: writes the same bytes to many browsers.
    """

    def __init__(self, stats: Stats, write_all: Callable[[Iterable[Hearer], bytes], None]) -> None:
        self._stats = stats
        self._write_all = write_all
        self._rooms: dict[str, HeardRoom] = {}
        self._audiences: dict[tuple[str, ...], Audience] = {}
        self._sequence = 0
        self._touched: list[HeardRoom] = []
        self._apart: dict[Hearer, list[bytes]] = {}  # browsers served apart, with their unwritten frames

    @property
    def room_count(self) -> int:
        return len(self._rooms)

    def room(self, name: str) -> HeardRoom | None:
        return self._rooms.get(name)

    def queue(self, room: HeardRoom, frame: bytes, message_id: int) -> None:
        """Queue a frame for a room; `message_id` is 0 if the frame is no MSG."""
        self._sequence = sequence = self._sequence + 1
        if not room.pending:
            self._touched.append(room)
        room.pending.append((sequence, frame))
        if message_id:
            room.newest = message_id
            room.newest_at = sequence

    def queue_own(self, browser: Hearer, frame: bytes) -> None:
        """Queue a frame for one browser, in its place among the frames of the browser's rooms."""
        self._settle(browser).append(frame)

    def subscribe(self, browser: Hearer, name: str) -> None:
        """Let a browser hear a room from here on."""
        names = browser.audience.names
        if name not in names:
            self._move(browser, tuple(sorted((*names, name))))

    def unsubscribe(self, browser: Hearer, name: str) -> None:
        names = browser.audience.names
        if name in names:
            self._move(browser, tuple(other for other in names if other != name))

    def silence(self, browser: Hearer) -> None:
        """End all subscriptions of a browser, write its queued frames, and bring its cursor up to date."""
        if browser.audience is not NOBODY:
            self._move(browser, ())
        frames = self._apart.pop(browser, None)
        if frames:
            self._write_apart(browser, frames)

    def flush(self) -> None:
        """End the tick: write each browser's queued frames, with one call a browser."""
        served: set[Audience] = set()
        for room in self._touched:
            for audience in room.audiences:
                if len(audience.rooms) > 1:
                    if audience in served:
                        continue
                    served.add(audience)
                if audience.members:
                    self._write(audience)
        for browser, frames in self._apart.items():
            audience = browser.audience
            if audience is not NOBODY:
                frames += audience.frames(browser.since)
                audience.members[browser] = None
            if frames:
                self._write_apart(browser, frames)
        self._apart.clear()
        for room in self._touched:
            room.pending.clear()
            room.joined = b""
        self._touched.clear()

    def _settle(self, browser: Hearer) -> list[bytes]:
        """Bring a browser up to now; return its own queue for the rest of the tick."""
        frames = self._apart.get(browser)
        if frames is None:
            frames = self._apart[browser] = []
            browser.audience.members.pop(browser, None)
        audience, since = browser.audience, browser.since
        if audience is not NOBODY and since < self._sequence:
            frames += audience.frames(since)
            for room in audience.rooms:
                if room.newest_at > since and room.newest > browser.cursor:
                    browser.cursor = room.newest
            browser.since = self._sequence
        return frames

    def _move(self, browser: Hearer, names: tuple[str, ...]) -> None:
        self._settle(browser)
        if browser.audience is not NOBODY:
            self._leave(browser.audience)
        browser.audience = self._enter(names) if names else NOBODY
        browser.since = self._sequence

    def _write(self, audience: Audience) -> None:
        count, data = audience.join()
        self._write_all(audience.members, data)
        self._stats.deliveries += count * len(audience.members)
        self._stats.browser_bytes_out += len(data) * len(audience.members)

    def _write_apart(self, browser: Hearer, frames: list[bytes]) -> None:
        data = b"".join(frames)
        self._write_all((browser,), data)
        self._stats.deliveries += len(frames)
        self._stats.browser_bytes_out += len(data)

    def _enter(self, names: tuple[str, ...]) -> Audience:
        audience = self._audiences.get(names)
        if audience is None:
            rooms = tuple([self._rooms.setdefault(name, HeardRoom(name)) for name in names])
            audience = self._audiences[names] = Audience(names, rooms)
            for room in rooms:
                room.audiences[audience] = None
        audience.size += 1
        return audience

    def _leave(self, audience: Audience) -> None:
        """Forget an audience when its last browser leaves, and each room without an audience."""
        audience.size -= 1
        if audience.size:
            return
        del self._audiences[audience.names]
        for room in audience.rooms:
            del room.audiences[audience]
            if not room.audiences:
                del self._rooms[room.name]
