"""Loss, duplicates and order in one receiver's messages, for each publisher of its room."""

from __future__ import annotations

from collections.abc import Mapping


class Order:
    """Takes the messages in the order of their arrival.

    After the last one, `lost` counts the missing messages.

    Attributes:
        duplicates: repeated messages.
        reordered: messages behind a later one of the same publisher.
        heard: different messages.
    """

    __slots__ = ("_missing", "_next", "duplicates", "heard", "reordered")

    def __init__(self) -> None:
        self._next: dict[int, int] = {}  # by publisher: the highest number heard, plus one
        self._missing: dict[int, set[int]] = {}  # by publisher: the missing numbers below that
        self.duplicates = 0
        self.reordered = 0
        self.heard = 0

    def hear(self, publisher: int, number: int) -> None:
        """Take one message."""
        due = self._next.get(publisher, 0)
        if number >= due:
            if number > due:
                self._missing.setdefault(publisher, set()).update(range(due, number))
            self._next[publisher] = number + 1
            self.heard += 1
            return
        missing = self._missing.get(publisher, set())
        if number in missing:
            missing.remove(number)
            self.reordered += 1
            self.heard += 1
        else:
            self.duplicates += 1

    def lost(self, sent: Mapping[int, int]) -> int:
        """Return the number of missing messages; `sent` has the number that each publisher sent."""
        holes = sum(map(len, self._missing.values()))
        return holes + sum(max(0, count - self._next.get(publisher, 0)) for publisher, count in sent.items())
