"""When upkeep is done: the search index is filled and old messages are pruned while the log is quiet."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from tcp_server.log.interface import LogUpkeep
from tcp_server.log.worker import Worker

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between two looks at the log; it is quiet if nothing was logged in that time
UNINDEXED_MAX = 5_000  # messages that search has to scan; with more, indexing doesn't wait for quiet
BUSY_MESSAGES = 1_000  # logged in `LOOK_SECONDS`; with as many or more there is never time
INDEX_PAGE = 16  # messages that are indexed at once: under 1 ms, which a commit may have to wait
PRUNE_PAGE = 500  # messages that are pruned at once
PRUNE_SECONDS = 60.0  # from one pruning to the next


class UpkeepSchedule:
    """Does small pieces of upkeep in the writer's thread while nothing is logged.

    After making one, `stop` it before the thread ends.

    Args:
        newest: returns the newest id of the log.
        worker: the writer's thread; while it works, nothing else uses the writer.
        keep_seconds: how long messages are kept; None: for ever.
        keep_messages: how many messages are kept; None: all.
    """

    def __init__(
        self,
        upkeep: LogUpkeep,
        newest: Callable[[], int],
        worker: Worker,
        loop: asyncio.AbstractEventLoop,
        *,
        keep_seconds: float | None = None,
        keep_messages: int | None = None,
    ) -> None:
        self._upkeep = upkeep
        self._newest = newest
        self._worker = worker
        self._loop = loop
        self._keep_seconds = keep_seconds
        self._keep_messages = keep_messages
        self._seen = newest()  # at the last look
        self._unindexed = upkeep.unindexed()
        self._prune_at = 0.0
        self._timer: asyncio.TimerHandle | None = loop.call_later(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        newest = self._newest()
        appended, self._seen = newest - self._seen, newest
        self._unindexed += appended
        if not self._has_time(appended):
            self._rest(LOOK_SECONDS)
        elif self._is_prune_due():
            self._worker.submit(self._prune, self._pruned, self._failed)
        elif self._unindexed:
            self._worker.submit(self._index, self._indexed, self._failed)
        else:
            self._rest(LOOK_SECONDS)

    def _has_time(self, appended: int) -> bool:
        return not appended or (self._unindexed > UNINDEXED_MAX and appended < BUSY_MESSAGES)

    def _rest(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer = self._loop.call_later(seconds, self._look)

    def _failed(self, error: Exception) -> None:
        logger.warning("upkeep of the log failed, to be tried again: %s", error)
        self._rest(LOOK_SECONDS)

    def _index(self) -> int:
        return self._upkeep.index(INDEX_PAGE)

    def _indexed(self, count: int) -> None:
        self._unindexed = max(0, self._unindexed - count) if count else 0
        self._rest(0.0 if self._unindexed else LOOK_SECONDS)

    def _is_prune_due(self) -> bool:
        wanted = self._keep_seconds is not None or self._keep_messages is not None
        return wanted and self._loop.time() >= self._prune_at

    def _pruned(self, more: bool) -> None:
        if not more:
            self._prune_at = self._loop.time() + PRUNE_SECONDS
        self._rest(0.0 if more else LOOK_SECONDS)

    def _prune(self) -> bool:
        oldest_time = 0
        if self._keep_seconds is not None:
            oldest_time = int((time.time() - self._keep_seconds) * 1000)
        return self._upkeep.prune(oldest_time, self._keep_messages, PRUNE_PAGE)
