"""A view: the lines of a room, of a direct talk or of a search. Pure data.

A view is a piece of the log's end, without holes: the part of the log above its first line is fetched when the person
scrolls there. A message is in a view once, whether it came live, in a replay or as history.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from cli_client.chat.attention import Attention
from cli_client.chat.lines import Fate, Line
from cli_client.chat.roster import Roster

LINES_MAX = 5_000  # of one view; older lines are cut off, and fetched again if the person scrolls there
LINES_CUT = 1_000


@dataclass(slots=True, eq=False)
class View:
    """One room, direct talk or list of hits, as `target` names it ("#lobby", "@bob", "?").

    Only its own methods change it, and only the session and its parts call them; a face reads.

    Attributes:
        lines: oldest first; messages of our own that are not in the log yet come last.
        more: the log has older messages.
    """

    target: str
    more: bool = False
    lines: list[Line] = field(default_factory=list)
    roster: Roster = field(default_factory=Roster)
    attention: Attention = field(default_factory=Attention)
    _is_fetching: bool = False
    _ids: dict[int, Line] = field(default_factory=dict)
    _unsent: dict[str, Line] = field(default_factory=dict)  # by ref; they are in `lines` too

    @property
    def oldest_id(self) -> int:
        """The id of the first message, 0 if there is none."""
        return next((line.id for line in self.lines if line.id), 0)

    @property
    def failed(self) -> int:
        """The number of our messages here that were not sent and never will be by themselves."""
        return sum(line.fate is Fate.FAILED for line in self._unsent.values())

    # -- new lines -------------------------------------------------------------------------------

    def append(self, line: Line) -> bool:
        """Add a line that is new now; return False if the message is here already."""
        if line.id:
            if line.id in self._ids:
                return False
            self._ids[line.id] = line
            self.roster.end_typing(line.nickname)
        if line.fate is not Fate.SENT:
            self._unsent[line.ref] = line
        index = len(self.lines)
        while index and self._comes_after(self.lines[index - 1], line):
            index -= 1
        self.lines.insert(index, line)
        if len(self.lines) > LINES_MAX and self.attention.anchor is None:
            self._cut_above(LINES_CUT)
        return True

    def deliver(self, line: Line) -> bool:
        """Add a message, in place of its pending line if it is ours; return False if it is here already."""
        pending = self._unsent.get(line.ref)
        if pending is not None:
            self.remove(pending)
        if not self.append(line):
            return False
        if pending is not None:
            self.attention.replace(pending, line)
        return True

    def settle(self, ref: str, fate: Fate, reason: str = "") -> bool:
        """Note the fate of our message with this ref; return False if it has no line here."""
        line = self._unsent.get(ref)
        if line is not None:
            line.fate, line.reason = fate, reason
        return line is not None

    def discard(self, ref: str) -> None:
        """Take out our message with this ref, unless it is in the log."""
        line = self._unsent.get(ref)
        if line is not None:
            self.remove(line)

    def remove(self, line: Line) -> None:
        """Take a line out."""
        if line in self.lines:
            self.lines.remove(line)
            self._ids.pop(line.id, None)
            self._unsent.pop(line.ref, None)
            self.attention.forget(line)

    def rename(self, target: str) -> None:
        """Take another target: the person has another nickname."""
        self.target = target

    def move_lines(self, other: "View") -> None:
        """Give all lines to another view."""
        other.lines += self.lines
        self.lines = []

    def absorb(self, other: "View") -> None:
        """Take over the lines of an earlier talk, whose person bore the name that this one's has taken.

        They keep their place in time. They are not of this talk's log, so none of them says where it was read up to.
        """
        sent = [line for line in self.lines if line.fate is Fate.SENT]
        earlier = [line for line in other.lines if line.fate is Fate.SENT]
        for line in earlier:
            line.id = 0
        unsent = [line for line in (*other.lines, *self.lines) if line.fate is not Fate.SENT]
        self.lines = [*heapq.merge(earlier, sent, key=lambda line: line.at), *unsent]
        self._ids |= other._ids
        self._unsent |= other._unsent
        self.attention.add(other.attention)

    # -- older lines -----------------------------------------------------------------------------

    def begin_fetch(self) -> bool:
        """Note that older messages are asked for; return False if they are under way or there are none."""
        if not self.more or self._is_fetching:
            return False
        self._is_fetching = True
        return True

    def fail_fetch(self) -> None:
        """Note that older messages are not to be had: a screen at the top would ask for them without end."""
        self._is_fetching = self.more = False

    def end_fetch(self, lines: Iterable[Line], *, more: bool) -> None:
        """Add the older messages that were asked for, oldest first."""
        self._is_fetching = False
        self.more = more
        self.prepend(lines)

    def prepend(self, lines: Iterable[Line]) -> None:
        """Add older messages, which come oldest first, among the lines."""
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

    def expect_older(self) -> None:
        """Note that the log has messages of this room, if none is here yet."""
        if not self.oldest_id:
            self.more = True

    def forget_messages(self) -> None:
        """Drop all messages: the log has a hole before the next one, and history fetches without holes."""
        self.lines = [line for line in self.lines if line.fate is not Fate.SENT]
        self._ids.clear()
        self.attention.scroll_to(None)
        self.more = True

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
