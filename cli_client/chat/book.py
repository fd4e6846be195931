"""The views that a person has open, and which one is looked at.

Pure data, like `views`. `Session` is what fills it.
"""

from datetime import datetime

from cli_client.chat.effects import Action, Show
from cli_client.chat.views import Kind, Line, View
from cli_client.library.targets import target_key
from tcp_server.protocol import server_packets
from tcp_server.protocol.names import fold

HITS_TARGET = "?"  # the list of what a search found
START_TARGET = "*"  # what is looked at before any room: the server's and the client's words
_ORDER = "#@?"


class Book:
    """All views of one user.

    Attributes:
        nickname: the user's, as the server wrote it last.
        paged: there is a screen to scroll, rather than lines that go by.
        now: the time of what is being handled, in the zone that the person lives in.
    """

    def __init__(self, nickname: str, now: datetime, *, paged: bool = True) -> None:
        self.nickname = nickname
        self.paged = paged
        self.now = now
        self._start = self._current = View(START_TARGET)
        self._views: dict[str, View] = {START_TARGET: self._start}
        self._previous = START_TARGET

    @property
    def current(self) -> View:
        """The view that is looked at."""
        return self._current

    @property
    def views(self) -> list[View]:
        """Rooms, then conversations, then hits, each as they were opened; the first view only while alone."""
        views = [view for key, view in self._views.items() if key != START_TARGET]
        return sorted(views, key=lambda view: _ORDER.index(view.target[0])) or [self._start]

    def targets(self) -> list[str]:
        """Return the targets of the views."""
        return [view.target for view in self.views]

    def find(self, target: str) -> View | None:
        """Return the view of a target, if it is open."""
        return self._views.get(_key(target))

    def open(self, target: str) -> View:
        """Return the view of a target, made if there was none."""
        view = self.find(target)
        if view is None:
            view = self._views[_key(target)] = View(target, more=target.startswith("@"))
        return view

    def switch(self, target: str) -> None:
        """Look at a view that is open."""
        view = self.find(target)
        if view is not None and view is not self._current:
            self._previous = self._current.target
            self._current.mark()
            self._current = view
        self._current.read()

    def step(self, by: int, *, unread: bool = False) -> None:
        """Look at the next view (+1) or the one before (-1), or the next with something unread."""
        views = self.views
        at = views.index(self._current) if self._current in views else 0
        for distance in range(1, len(views) + 1):
            view = views[(at + by * distance) % len(views)]
            if view.unread or not unread:
                self.switch(view.target)
                return

    def close(self, target: str) -> None:
        """Close a view; if it was looked at, the one before it is."""
        view = self._views.get(_key(target))
        if view is None or view.target == START_TARGET:
            return
        del self._views[_key(target)]
        if view is self._current:
            self._current = next((v for v in self.views if v.target == self._previous), self.views[0])
            self._current.read()

    # -- lines -----------------------------------------------------------------------------------

    def note(self, text: str) -> list[Action]:
        """Show a word of the client's."""
        return self.add(self._current, Kind.INFO, text)

    def fail(self, text: str) -> list[Action]:
        """Show what went wrong."""
        return self.add(self._current, Kind.ERROR, text)

    def add(self, view: View, kind: Kind, text: str, nickname: str = "", timestamp: str | None = None) -> list[Action]:
        """Append a line that is no message; without a timestamp it is from now."""
        at = self.now if timestamp is None else parse_timestamp(timestamp, self.now)
        line = Line(kind, text, at, nickname)
        view.append(line)
        return [Show(view.target, line)]

    def message_line(self, message: server_packets.Msg) -> Line:
        """Return the line of a message."""
        kind = Kind.ACTION if message.action else Kind.MESSAGE
        at = parse_timestamp(message.timestamp, self.now)
        line = Line(kind, message.message, at, message.nickname, message.id, message.ref or "")
        mine = fold(message.nickname) == fold(self.nickname)
        line.mention = not mine and (message.to is not None or mentions(message.message, self.nickname))
        return line


def mentions(text: str, nickname: str) -> bool:
    """Say whether a text has the nickname as a word of its own."""
    name, text = fold(nickname), fold(text)
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if not text[max(start - 1, 0) : start].isalnum() and not text[end : end + 1].isalnum():
            return True
        start = text.find(name, end)
    return False


def parse_timestamp(timestamp: str, now: datetime) -> datetime:
    """Read the server's RFC 3339 into `now`'s zone; one that can't be read counts as now."""
    try:
        return datetime.fromisoformat(timestamp).astimezone(now.tzinfo)
    except ValueError:
        return now


def _key(target: str) -> str:
    return target_key(target) if target[0] in "#@" else target
