"""The views that the person has open, and the one that they look at. Pure data."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cli_client.chat.display import defuse, defuse_line
from cli_client.chat.effects import Effect, Show
from cli_client.chat.hits import Hits
from cli_client.chat.lines import Kind, Line
from cli_client.chat.mentions import mentions
from cli_client.chat.views import View
from cli_client.library.targets import target_key
from tcp_server.protocol import server_packets
from tcp_server.protocol.names import fold

HITS_TARGET = "?"  # the list of hits of a search
START_TARGET = "*"  # the view before any room: the server's and the client's words
_ORDER = "#@?"


class Book:
    """All views of one user. It alone opens, closes and changes between them.

    Attributes:
        nickname: the user's, as the server wrote it last.
        paged: there is a screen to scroll, rather than lines that go by.
        now: the time of the event or line that is being handled, in the person's zone.
        hits: of the last search.
    """

    def __init__(self, nickname: str, now: datetime, *, paged: bool = True) -> None:
        self.nickname = defuse_line(nickname)
        self.paged = paged
        self.now = now
        self.hits = Hits()
        self._start = self._current = View(START_TARGET)
        self._views: dict[str, View] = {START_TARGET: self._start}
        self._previous = START_TARGET
        self._expected: set[str] = set()  # rooms that a command asked for: looked at once they are there

    def set_now(self, now: datetime) -> None:
        """Note the time of the event or line that is handled next."""
        self.now = now

    def rename_user(self, nickname: str) -> None:
        """Note the user's new nickname."""
        self.nickname = nickname

    def is_me(self, nickname: str) -> bool:
        """Say whether this nickname is the user's."""
        return fold(nickname) == fold(self.nickname)

    # -- views -----------------------------------------------------------------------------------

    @property
    def current(self) -> View:
        """The view that the person looks at."""
        return self._current

    @property
    def views(self) -> list[View]:
        """Rooms, then direct talks, then hits, each in the order of opening; the first view only while alone."""
        views = [view for key, view in self._views.items() if key != START_TARGET]
        return sorted(views, key=lambda view: _ORDER.index(view.target[0])) or [self._start]

    @property
    def talks(self) -> list[View]:
        """The views that messages go to: rooms and direct talks."""
        return [view for view in self._views.values() if view.target[0] in "#@"]

    def targets(self) -> list[str]:
        """Return the targets of the views."""
        return [view.target for view in self.views]

    def find(self, target: str) -> View | None:
        """Return the view of a target, if it is open."""
        return self._views.get(_key(target))

    def open(self, target: str) -> View:
        """Return the view of a target; open one if there is none."""
        view = self.find(target)
        if view is None:
            view = self._views[_key(target)] = View(target, more=target.startswith("@"))
        return view

    def switch(self, target: str) -> None:
        """Look at a view that is open."""
        view = self.find(target)
        if view is not None and view is not self._current:
            self._previous = self._current.target
            self._current.attention.look_away(self._current.lines[-1] if self._current.lines else None)
            self._current = view
        self._current.attention.look()

    def step(self, by: int, *, unread: bool = False) -> None:
        """Look at the next view (+1) or the one before (-1), or the next with something unread."""
        views = self.views
        at = views.index(self._current) if self._current in views else 0
        for distance in range(1, len(views) + 1):
            view = views[(at + by * distance) % len(views)]
            if view.attention.unread or not unread:
                self.switch(view.target)
                return

    def close(self, target: str) -> None:
        """Close a view; if it was looked at, the one before it is."""
        view = self.find(target)
        if view is None or view.target == START_TARGET:
            return
        del self._views[_key(target)]
        if view is self._current:
            self._current = next((v for v in self.views if v.target == self._previous), self.views[0])
            self._current.attention.look()

    def keep_rooms(self, rooms: Iterable[str]) -> None:
        """Have exactly these rooms open, and look at the first if the person has seen no room yet."""
        targets = {target_key(room): f"#{room}" for room in rooms}
        for key in [key for key in self._views if key[0] == "#" and key not in targets]:
            self.close(self._views[key].target)
        for target in targets.values():
            self.open(target)
        if self._current is self._start and targets:
            wanted = (target for key, target in targets.items() if key in self._expected)
            first = next(wanted, next(iter(targets.values())))
            self.give_up_room(first)
            self.switch(first)
            self._start.move_lines(self.open(first))  # the words from before there was a room are not lost

    def rename_talk(self, old: str, nickname: str) -> None:
        """Give the direct talk with somebody their new name; an earlier one under that name becomes a part of it."""
        talk = self._views.pop(target_key(f"@{old}"), None)
        if talk is None:
            return
        if self._previous == talk.target:
            self._previous = f"@{nickname}"
        talk.rename(f"@{nickname}")
        earlier = self._views.pop(target_key(talk.target), None)
        if earlier is not None:
            talk.absorb(earlier)
        self._views[target_key(talk.target)] = talk
        if earlier is self._current:
            self._current = talk
        if talk is self._current:
            talk.attention.look()

    # -- rooms that a command asked for ----------------------------------------------------------

    def expect_room(self, room: str) -> None:
        """Look at this room as soon as the user is in it."""
        self._expected.add(target_key(room))

    def give_up_room(self, room: str) -> None:
        """Expect this room no longer."""
        self._expected.discard(target_key(room))

    def enter_room(self, target: str) -> None:
        """Look at a room if it was expected."""
        if target_key(target) in self._expected:
            self.give_up_room(target)
            self.switch(target)

    # -- where the person looks ------------------------------------------------------------------

    def scroll_to(self, anchor: Line | None) -> None:
        """Note the lowest line of the current view on the screen; None: the view's end."""
        self._current.attention.scroll_to(anchor)

    def see_all(self) -> None:
        """Note that the person has seen the current view's newest line."""
        self._current.attention.see_all()

    # -- lines -----------------------------------------------------------------------------------

    def note(self, text: str) -> list[Effect]:
        """Show a word of the client's."""
        return self.add(self._current, Kind.INFO, text)

    def fail(self, text: str) -> list[Effect]:
        """Show an error."""
        return self.add(self._current, Kind.ERROR, text)

    def add(self, view: View, kind: Kind, text: str, nickname: str = "", timestamp: str | None = None) -> list[Effect]:
        """Append a line that is no message; without a timestamp its time is now."""
        at = self.now if timestamp is None else parse_timestamp(timestamp, self.now)
        return self.add_lines(view, [Line(kind, defuse(text), at, nickname)])

    def add_lines(self, view: View, lines: Sequence[Line]) -> list[Effect]:
        """Append lines that are new now."""
        for line in lines:
            view.append(line)
        return [Show(view.target, line) for line in lines]

    def message_line(self, message: server_packets.Msg) -> Line:
        """Return the line of a message."""
        kind = Kind.ACTION if message.action else Kind.MESSAGE
        at = parse_timestamp(message.timestamp, self.now)
        line = Line(kind, message.message, at, message.nickname, message.id, message.ref or "")
        line.mention = not self.is_me(message.nickname) and (
            message.to is not None or mentions(message.message, self.nickname)
        )
        return line


def parse_timestamp(timestamp: str, now: datetime) -> datetime:
    """Return the server's RFC 3339 time in `now`'s zone; a text that is no time counts as now."""
    try:
        return datetime.fromisoformat(timestamp).astimezone(now.tzinfo)
    except ValueError:
        return now


def _key(target: str) -> str:
    return target_key(target) if target[0] in "#@" else target
