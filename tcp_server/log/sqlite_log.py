"""The log of a running server in SQLite: its threads, and the database connection of each.

With `--sync normal` a commit is two writes into the kernel's memory, 40 µs: less than handing it to a thread and back
costs, which also drags every draft through the caches of another core. But the loop must never wait. So these go to the
writer's thread: every commit of `--sync full` (it waits for the disk), replays (their pages may be on the disk), a
commit that finds the database held by another program, and all commits while the thread has work. Checkpoints wait for
the disk too: they are made beside the commits, in a thread and on a connection of their own. Pages and searches have a
thread and a connection each.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic

from tcp_server.chat.directory import Changes, Present
from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Room
from tcp_server.log.database import checkpoint, open_database
from tcp_server.log.interface import (
    AnyReplay,
    AnyReplayQuery,
    LogUnavailable,
    Outcome,
    Page,
    PageQuery,
    SearchPage,
    SearchQuery,
)
from tcp_server.log.readings import Readings
from tcp_server.log.schedule import UpkeepSchedule
from tcp_server.log.search import SearchReadings
from tcp_server.log.search_queue import SearchQueue
from tcp_server.log.upkeep import SqliteUpkeep
from tcp_server.log.worker import Worker
from tcp_server.log.writer import LogBusy, LogWriter

logger = logging.getLogger(__name__)

STALL_SECONDS = 0.1  # a commit on the loop that took longer did wait: the disk stalls
THREAD_SECONDS = 10.0  # how long all commits go to the thread after that
HASTY_PAGES = 4_000  # that commits on the loop may leave in the write-ahead log before a checkpoint is due
PAGES_MAX = 16_384  # of the write-ahead log, 64 MiB; with more, commits wait until it is begun anew


class SqliteLog:
    """`LiveLog` in a data folder.

    Args:
        folder: the data folder; it exists.
        full_sync: wait for the disk at every commit, so that a power cut loses nothing either.
        keep_seconds: how long messages are kept; None: for ever.
        keep_messages: how many messages are kept; None: all.

    Attributes:
        path: the database.

    Raises:
        LogError: the log can't be opened.
    """

    def __init__(
        self,
        folder: Path,
        loop: asyncio.AbstractEventLoop,
        *,
        full_sync: bool = False,
        keep_seconds: float | None = None,
        keep_messages: int | None = None,
    ) -> None:
        self._writer = writer = LogWriter(folder, full_sync=full_sync)
        self.path = writer.path
        self._on_loop_from = 0.0  # the time from which the loop may commit again
        self._checkpoint_database, history, search = self._databases = [open_database(writer.path) for _ in range(3)]
        self._history = Readings(history)
        self._write_worker = Worker("log-writer", loop)
        self._checkpoint_worker = Worker("log-checkpoint", loop)
        self._history_worker = Worker("log-history", loop)
        self._search_worker = Worker("log-search", loop)
        self._searches = SearchQueue(self._search_worker, SearchReadings(search))
        self._schedule = UpkeepSchedule(
            SqliteUpkeep(writer),
            lambda: writer.newest,
            self._write_worker,
            loop,
            keep_seconds=keep_seconds,
            keep_messages=keep_messages,
        )

    @property
    def epoch(self) -> str:
        return self._writer.epoch

    @property
    def newest(self) -> int:
        return self._writer.newest

    def rooms(self) -> list[Room]:
        return self._writer.rooms()

    def present(self) -> dict[int, Present]:
        return self._writer.present()

    def page(self, query: PageQuery, answered: Callable[[Page], None], failed: Callable[[Exception], None]) -> None:
        self._history_worker.submit(partial(self._history.page, query), answered, failed)

    def search(
        self, query: SearchQuery, answered: Callable[[SearchPage], None], failed: Callable[[Exception], None]
    ) -> Callable[[], None]:
        return self._searches.add(query, answered, failed)

    def close(self) -> None:
        self._schedule.stop()
        self._searches.close()
        for database in self._databases[1:]:
            database.interrupt()  # nobody waits for pages and searches any more
        for worker in (self._search_worker, self._history_worker, self._write_worker, self._checkpoint_worker):
            worker.stop()
        for database in self._databases:
            database.close()
        self._writer.close()

    # Appending

    def append(
        self,
        drafts: Sequence[Draft],
        changes: Changes | None,
        queries: Sequence[AnyReplayQuery],
        stored: Callable[[Sequence[Outcome], Sequence[AnyReplay]], None],
        failed: Callable[[LogUnavailable], None],
    ) -> None:
        now = monotonic()  # uvloop's own clock stands still within a turn
        waits = queries or self._writer.full_sync or self._write_worker.unfinished or now < self._on_loop_from
        if not waits:
            try:
                outcomes = self._append_on_loop(drafts, changes, now)
            except LogBusy:
                pass
            except Exception as error:  # the batch is lost to the log, but not to its senders
                failed(_unavailable(error))
                return
            else:
                stored(outcomes, ())
                return
        self._write_worker.submit(
            partial(self._append_in_thread, drafts, changes, queries),
            lambda result: stored(*result),
            lambda error: failed(_unavailable(error)),
        )

    def _append_on_loop(self, drafts: Sequence[Draft], changes: Changes | None, started: float) -> list[Outcome]:
        """Store a batch without waiting; LogBusy if that can't be."""
        self._writer.allow_waiting(False)
        outcomes = self._writer.append(drafts, changes)
        ended = monotonic()
        if ended - started > STALL_SECONDS:
            logger.warning("the disk stalls: %.1f s for a commit", ended - started)
            self._on_loop_from = ended + THREAD_SECONDS
        if self._writer.hasty_pages >= HASTY_PAGES:
            self._writer.hasty_pages = 0
            self._checkpoint_worker.submit(partial(checkpoint, self._checkpoint_database), self._checked, _report)
        return outcomes

    def _append_in_thread(
        self, drafts: Sequence[Draft], changes: Changes | None, queries: Sequence[AnyReplayQuery]
    ) -> tuple[list[Outcome], list[AnyReplay]]:
        self._writer.allow_waiting(True)
        outcomes = self._writer.append(drafts, changes) if drafts or changes is not None else []
        return outcomes, [self._writer.readings.replay(query) for query in queries]

    def _checked(self, pages: int) -> None:
        """Let commits wait once if the write-ahead log is too long: it grows as long as commits overtake checkpoints.

        The thread brings the little that is left into the database too; then the write-ahead log is begun anew.
        """
        if pages > PAGES_MAX:
            self._write_worker.submit(partial(checkpoint, self._writer.database), lambda _: None, _report)


def _unavailable(error: Exception) -> LogUnavailable:
    """Return the error that the senders are told of."""
    if isinstance(error, LogUnavailable):
        logger.warning("the log is unavailable: %s", error)
        return error
    _report(error)
    return LogUnavailable("internal error")


def _report(error: Exception) -> None:
    logger.error("the log failed", exc_info=error)
