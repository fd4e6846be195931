"""What the log's thread does when it has nothing better to do: fill the search index, and forget what is old."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time

from tcp_server.log.log import Log
from tcp_server.log.refs import ref_hash
from tcp_server.log.search import fill_index, indexed_text, unindexed
from tcp_server.log.worker import Worker

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between two looks whether it is quiet: nothing was logged in that time
UNINDEXED_MAX = 5_000  # messages that search may have to scan before quiet is not waited for any more
BUSY_MESSAGES = 1_000  # logged in `LOOK_SECONDS`; with as many or more there is never time
INDEX_PAGE = 16  # messages that are indexed at once: under 1 ms, which a commit may have to wait
PRUNE_PAGE = 500  # messages that are pruned at once
PRUNE_SECONDS = 60.0


class Upkeep:
    """Does small pieces of work in the writer's thread while it is quiet.

    Args:
        keep_seconds: how long messages are kept; None: for ever.
        keep_messages: how many are kept; None: all.
    """

    def __init__(self, log: Log, *, keep_seconds: float | None = None, keep_messages: int | None = None) -> None:
        self._log = log
        self._keep_seconds = keep_seconds
        self._keep_messages = keep_messages
        self._newest = log.newest  # at the last look
        self._unindexed = unindexed(log.database)
        self._prune_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, worker: Worker, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; `worker` is the log's thread: while it is busy, nobody else uses the log."""
        self._worker = worker
        self._loop = loop
        self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        newest = self._log.newest
        appended, self._newest = newest - self._newest, newest
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
        self._log.allow_waiting(True)
        return fill_index(self._log.database, INDEX_PAGE)

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
        self._log.allow_waiting(True)
        oldest_time = 0
        if self._keep_seconds is not None:
            oldest_time = int((time.time() - self._keep_seconds) * 1000)
        return prune(self._log.database, oldest_time, self._keep_messages, PRUNE_PAGE)


def prune(database: sqlite3.Connection, oldest_time: int, keep_messages: int | None, limit: int) -> bool:
    """Take out the oldest messages that are past keeping, at most `limit`, and say whether there may be more.

    What was taken out is noted by room, so that who missed it gets a GAP and never silence.
    """
    surplus = 0
    if keep_messages is not None:
        count = database.execute("SELECT max(id) - min(id) + 1 FROM entry").fetchone()[0] or 0  # ids have no holes
        surplus = max(0, count - keep_messages)
    rows = database.execute("SELECT id, room, time, body FROM entry ORDER BY id LIMIT ?", (limit,)).fetchall()
    old = 0
    for place, (_, _, millis, _) in enumerate(rows):
        if place < surplus or millis < oldest_time:
            old = place + 1
        else:
            break
    if not old:
        return False
    _take_out(database, rows[:old])
    return old == limit


def _take_out(database: sqlite3.Connection, rows: list[tuple[int, int | None, int, str]]) -> None:
    newest = rows[-1][0]
    indexed = int(_meta(database, "indexed"))
    newest_of_room: dict[int | None, int] = {room: id for id, room, _, _ in rows}
    database.execute("BEGIN IMMEDIATE")
    try:
        for id, _, _, body in rows:
            if id <= indexed:
                database.execute(
                    "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (id, indexed_text(body))
                )
        database.executemany("DELETE FROM by_room WHERE room = ? AND id = ?", [(room, id) for id, room, *_ in rows])
        refs = database.execute("SELECT uid, ref, id FROM entry WHERE id <= ? AND ref IS NOT NULL", (newest,))
        hashes = [(ref_hash(uid, ref), id) for uid, ref, id in refs.fetchall()]
        database.executemany("DELETE FROM by_ref WHERE hash = ? AND id = ?", hashes)
        for room, id in newest_of_room.items():
            if room is None:
                database.execute("INSERT OR REPLACE INTO meta VALUES ('pruned_direct', ?)", (str(id),))
            else:
                database.execute("UPDATE room SET pruned = ? WHERE number = ?", (id, room))
        database.execute("DELETE FROM direct WHERE id <= ?", (newest,))
        database.execute("DELETE FROM entry WHERE id <= ?", (newest,))
        database.execute("INSERT OR REPLACE INTO meta VALUES ('pruned', ?)", (str(newest),))
        if newest > indexed:
            database.execute("INSERT OR REPLACE INTO meta VALUES ('indexed', ?)", (str(newest),))
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _meta(database: sqlite3.Connection, name: str) -> str:
    row = database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else "0"
