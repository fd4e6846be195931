"""Commits: a tick's batch into the log, on the loop where that waits for nothing, else in the log's thread.

With `--sync normal` a commit is two writes into the kernel's memory, 40 µs: less than to hand it to a thread and
back, which also drags every draft through the caches of another core. But the loop must never wait. So these go to the
thread: every commit of `--sync full` (it waits for the disk), replays (their pages may be on the disk), what finds
the database held by another program, and all that comes while the thread is at something. Checkpoints, which wait for
the disk too, are made beside all that, in a thread and on a connection of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Protocol

import msgspec

from tcp_server.chat.directory import Changes
from tcp_server.chat.state import Draft, Output
from tcp_server.delivery.delivery import AnyCatchUp, Caught
from tcp_server.log.database import checkpoint, open_database
from tcp_server.log.log import Log, LogBusy, LogUnavailable, Outcome
from tcp_server.log.worker import Worker

logger = logging.getLogger(__name__)

STALL_SECONDS = 0.1  # a commit on the loop that took longer did wait: the disk stalls
THREAD_SECONDS = 10.0  # how long all commits go to the thread after that
HASTY_PAGES = 4_000  # that commits on the loop may leave in the write-ahead log before a checkpoint is due
PAGES_MAX = 16_384  # of the write-ahead log, 64 MiB; longer, and commits wait until it is begun anew


class Batch(msgspec.Struct, gc=False):
    """What one tick has for the log, and the outputs that are to be delivered afterwards."""

    outputs: Sequence[Output]
    drafts: Sequence[Draft]
    changes: Changes | None
    catch_ups: Sequence[AnyCatchUp]


class Owner(Protocol):
    """Who is told what became of a batch, on the loop."""

    def stored(self, batch: Batch, outcomes: Sequence[Outcome], caught: Sequence[Caught]) -> None: ...
    def not_stored(self, batch: Batch, error: LogUnavailable) -> None: ...
    def wake(self) -> None: ...


class Committer:
    """Commits one batch at a time; to be used on the loop.

    Attributes:
        worker: the log's thread, for whatever else is to be done with the log.
        is_busy: a batch is with the thread; its owner is woken when it is done.
    """

    def __init__(self, log: Log, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._owner = owner
        self._here_from = 0.0  # the time from which the loop may commit again
        self.worker = Worker("log-writer", loop)
        self._checkpointer = Worker("log-checkpointer", loop)
        self._database = open_database(log.path)  # the checkpointer's
        self.is_busy = False

    def commit(self, batch: Batch) -> None:
        """Store a batch and read for those who are behind; the owner is told, maybe before this returns."""
        now = monotonic()  # uvloop's own clock stands still within a turn
        waits = batch.catch_ups or self._log.full_sync or self.worker.unfinished or now < self._here_from
        if not waits and self._commit_here(batch, now):
            return
        self.is_busy = True
        self.worker.submit(partial(self._store, batch), partial(self._done, batch), partial(self._failed, batch))

    def stop(self) -> None:
        """Finish what is with the thread, and end it."""
        self.worker.stop()
        self._checkpointer.stop()
        self._database.close()

    # On the loop

    def _commit_here(self, batch: Batch, started: float) -> bool:
        """Store a batch without waiting; say whether the owner was told what became of it."""
        try:
            self._log.allow_waiting(False)
            outcomes = self._log.append(batch.drafts, batch.changes)
        except LogBusy:
            return False
        except Exception as error:  # the batch is lost to the log, but not to its senders
            self._owner.not_stored(batch, _unavailable(error))
            return True
        ended = monotonic()
        if ended - started > STALL_SECONDS:
            logger.warning("the disk stalls: %.1f s for a commit", ended - started)
            self._here_from = ended + THREAD_SECONDS
        if self._log.hasty_pages >= HASTY_PAGES:
            self._log.hasty_pages = 0
            self._checkpointer.submit(partial(checkpoint, self._database), self._checked, _report)
        self._owner.stored(batch, outcomes, ())
        return True

    def _checked(self, pages: int) -> None:
        """See that the write-ahead log does not grow for ever, since commits go on beside the checkpoints.

        For once they wait until the little that they left is in the database too; then it is begun anew.
        """
        if pages > PAGES_MAX:
            self.worker.submit(partial(checkpoint, self._log.database), _nothing, _report)

    # In the thread, and back

    def _store(self, batch: Batch) -> tuple[list[Outcome], list[Caught]]:
        self._log.allow_waiting(True)
        outcomes = self._log.append(batch.drafts, batch.changes) if batch.drafts or batch.changes is not None else []
        return outcomes, [(catch_up, catch_up.read(self._log.readings)) for catch_up in batch.catch_ups]

    def _done(self, batch: Batch, result: tuple[list[Outcome], list[Caught]]) -> None:
        self.is_busy = False
        try:
            self._owner.stored(batch, *result)
        finally:
            self._owner.wake()

    def _failed(self, batch: Batch, error: Exception) -> None:
        self.is_busy = False
        try:
            self._owner.not_stored(batch, _unavailable(error))
        finally:
            self._owner.wake()


def _unavailable(error: Exception) -> LogUnavailable:
    """Return what the senders are to be told of a failure."""
    if isinstance(error, LogUnavailable):
        logger.warning("the log is unavailable: %s", error)
        return error
    _report(error)
    return LogUnavailable("internal error")


def _report(error: Exception) -> None:
    logger.error("the log failed", exc_info=error)


def _nothing(pages: int) -> None:
    """Whatever is left, the next checkpoint takes."""
