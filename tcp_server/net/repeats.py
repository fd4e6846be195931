"""A log line that would be repeated a thousand times: one a second of each kind, with a count."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic

REPEAT_SECONDS = 1.0
KINDS_MAX = 1_000  # that are remembered; ours are far fewer, and a library's are no reason to grow


class RepeatFilter(logging.Filter):
    """Lets one record of a kind pass within REPEAT_SECONDS; the next that passes says how many did not.

    A kind is a logger's name, a level and a message before its arguments are put in.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, int, str], tuple[float, int]] = {}  # when one passed, and how many did not since

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.name, record.levelno, str(record.msg)
        now = self._clock()
        passed, count = self._kinds.pop(kind, (now - REPEAT_SECONDS, 0))
        if now - passed < REPEAT_SECONDS:
            self._kinds[kind] = passed, count + 1
            return False
        if len(self._kinds) >= KINDS_MAX:
            del self._kinds[next(iter(self._kinds))]
        self._kinds[kind] = now, 0
        if count:
            record.msg, record.args = f"{record.getMessage()} (and {count} more like this)", ()
        return True


def limit_repeats() -> None:
    """Let the log that was started write each kind of line once in REPEAT_SECONDS."""
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:  # not somebody else's who looks at our log
            handler.addFilter(RepeatFilter())
