"""What a person can look at: rooms, direct conversations and search hits, each a list of lines.

Pure data. A view is a piece of the log's end, without holes: what the log has above its first line is fetched
when somebody scrolls there. A message is in a view once, whatever it came by: live, replayed, or as history.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tcp_server.protocol.names import fold

LINES_MAX = 5_000  # of one view; more is cut off above and fetched again if somebody looks
LINES_CUT = 1_000
TYPING_SECONDS = 6.0  # how long somebody counts as typing


class Kind(enum.Enum):
    MESSAGE = "message"
    ACTION = "action"
    JOIN = "join"
    LEAVE = "leave"
    TOPIC = "topic"
    NICK = "nick"
    NOTICE = "notice"  # the server speaks
    INFO = "info"  # the client answers
    ERROR = "error"
    HIT = "hit"  # a message that a search found


class Fate(enum.Enum):
    """What became of one's own message."""

    SENT = "sent"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Line:
    """One entry of a view. Texts are as the sender wrote them; who shows them defuses them."""

    kind: Kind
    text: str
    at: datetime
    nickname: str = ""
    id: int = 0  # the log's, 0 for what isn't a message
    ref: str = ""
    fate: Fate = Fate.SENT
    reason: str = ""  # why it failed, or is held
    mention: bool = False
    number: int = 0  # of a hit
    target: str = ""  # of a hit: where it was said


@dataclass(slots=True, eq=False)
class View:
    """One room, conversation or list of hits, as `target` names it ("#lobby", "@bob", "?")."""

    target: str
    topic: str = ""
    count: int | None = None  # members
    users: dict[str, str] = field(default_factory=dict)  # folded -> as shown; not all of a big room
    lines: list[Line] = field(default_factory=list)
    unread: int = 0
    mentions: int = 0
    more: bool = False  # the log has older messages
    fetching: bool = False
    anchor: Line | None = None  # the lowest line on the screen while somebody has scrolled up
    marker: Line | None = None  # the last line that somebody has seen, while there are newer ones
    typing: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _ids: dict[int, Line] = field(default_factory=dict)
    _unsent: dict[str, Line] = field(default_factory=dict)  # by ref; they are in `lines` too

    @property
    def oldest_id(self) -> int:
        """The id of the first message, 0 if there is none."""
        return next((line.id for line in self.lines if line.id), 0)

    def has(self, message_id: int) -> bool:
        """Say whether this message is here."""
        return message_id in self._ids

    def append(self, line: Line) -> bool:
        """Add a line that is new now; say whether it was not here yet."""
        if line.id:
            if line.id in self._ids:
                return False
            self._ids[line.id] = line
            self.typing.pop(fold(line.nickname), None)
        if line.fate is not Fate.SENT:
            self._unsent[line.ref] = line
        index = len(self.lines)
        while index and self._comes_after(self.lines[index - 1], line):
            index -= 1
        self.lines.insert(index, line)
        if len(self.lines) > LINES_MAX and self.anchor is None:
            self._cut_above(LINES_CUT)
        return True

    def prepend(self, lines: Iterable[Line]) -> None:
        """Add older messages, which come oldest first, among what is here."""
        index = 0
        oldest = self.oldest_id
        for line in lines:
            if line.id in self._ids:
                continue
            if 0 < oldest < line.id:  # pages overlap only after a cut
                index = max(n for n, other in enumerate(self.lines) if 0 < other.id < line.id) + 1
            while index < len(self.lines) and self._is_before(self.lines[index], line):
                index += 1
            self._ids[line.id] = line
            self.lines.insert(index, line)
            index += 1

    def pending(self, ref: str) -> Line | None:
        """Return our line with this ref that has no echo yet."""
        return self._unsent.get(ref)

    def remove(self, line: Line) -> None:
        """Take a line out."""
        if line in self.lines:
            self.lines.remove(line)
            self._ids.pop(line.id, None)
            self._unsent.pop(line.ref, None)
            if self.anchor is line:
                self.anchor = None

    def forget_messages(self) -> None:
        """Drop all messages: the log has a hole above what comes next, and history fetches without holes."""
        self.lines = [line for line in self.lines if line.fate is not Fate.SENT]
        self._ids.clear()
        self.anchor = None
        self.more = True

    def read(self) -> None:
        """Note that somebody looks at it."""
        if not self.unread:
            self.marker = None
        self.unread = self.mentions = 0

    def mark(self) -> None:
        """Note that somebody looks away: what comes from here on is new."""
        self.marker = self.lines[-1] if self.lines else None

    def typists(self, now: datetime) -> list[str]:
        """Return who is typing here."""
        fresh = timedelta(seconds=TYPING_SECONDS)
        return [name for name, since in self.typing.values() if now - since < fresh]

    @staticmethod
    def _comes_after(other: Line, line: Line) -> bool:
        """Say whether a line belongs below a new one: it is unsent, or has a higher id."""
        if other.fate is not Fate.SENT:
            return line.fate is Fate.SENT
        return bool(line.id) and other.id > line.id

    @staticmethod
    def _is_before(other: Line, line: Line) -> bool:
        """Say whether a line without an id, such as a join, was there before an older message."""
        return not other.id and other.fate is Fate.SENT and other.at < line.at

    def _cut_above(self, number: int) -> None:
        for line in self.lines[:number]:
            self._ids.pop(line.id, None)
        del self.lines[:number]
        self.more = True
