"""Upkeep of the SQLite log: search index, pruning, checkpoints, export and import."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable
from pathlib import Path

from tcp_server.log import archive, search
from tcp_server.log.database import checkpoint, database_files, explained
from tcp_server.log.refs import ref_hash
from tcp_server.log.writer import LogWriter

COUNT_PAGE = 5_000  # entries that are counted at once: 1 ms, or more if they have to be read from the disk


class SqliteUpkeep:
    """`LogUpkeep` by the writer's own connection: another connection's writes would cost the writer its cache.

    One at a time may prune a log: it knows how many entries there are, and counts only those that are new to it.
    """

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._counted = 0  # the id up to which the entries are counted
        self._count = 0  # of the entries up to there

    def unindexed(self) -> int:
        return search.unindexed(self._writer.database)

    def index(self, limit: int) -> int:
        self._writer.allow_waiting(True)
        return search.fill_index(self._writer.database, limit)

    def prune(self, oldest_time: int, keep_messages: int | None, limit: int) -> bool:
        self._writer.allow_waiting(True)
        database = self._writer.database
        surplus, is_counted = 0, True
        if keep_messages is not None:
            is_counted = self._count_on()
            surplus = self._count - keep_messages  # or more, as long as not all are counted
        rows = database.execute("SELECT id, room, time, body FROM entry ORDER BY id LIMIT ?", (limit,)).fetchall()
        old = 0
        for place, (_, _, millis, _) in enumerate(rows):
            if place < surplus or millis < oldest_time:
                old = place + 1
            else:
                break
        if old:
            _take_out(database, rows[:old])
            self._count -= sum(id <= self._counted for id, *_ in rows[:old])
        return old == limit or not is_counted

    def _count_on(self) -> bool:
        """Count the next entries, at most COUNT_PAGE, and say whether all are counted; ids may have holes."""
        count, newest = self._writer.database.execute(
            "SELECT count(*), max(id) FROM (SELECT id FROM entry WHERE id > ? ORDER BY id LIMIT ?)",
            (self._counted, COUNT_PAGE),
        ).fetchone()
        if count:
            self._counted = newest
            self._count += count
        return bool(count < COUNT_PAGE)

    def checkpoint(self) -> int:
        return checkpoint(self._writer.database)

    def export_lines(self) -> Generator[bytes, None, None]:
        with explained(self._writer.path):
            yield from archive.export_lines(self._writer.database)

    def import_lines(self, lines: Iterable[bytes]) -> int:
        with explained(self._writer.path):
            return archive.import_lines(self._writer, lines)

    def files(self) -> list[Path]:
        return database_files(self._writer.path)

    def close(self) -> None:
        self._writer.close()


def open_upkeep(folder: Path, *, must_exist: bool = False) -> SqliteUpkeep:
    """Open the log in a data folder for upkeep alone; a server may run with it if nothing but an export is done.

    Args:
        must_exist: refuse to make a new log.

    Raises:
        LogError: there is no log, or it can't be opened.
    """
    return SqliteUpkeep(LogWriter(folder, must_exist=must_exist))


def _take_out(database: sqlite3.Connection, rows: list[tuple[int, int | None, int, str]]) -> None:
    """Delete the oldest entries: `rows` has the id, room, time and body of each.

    Each room keeps the newest id that was taken out of it: a viewer that missed one gets a GAP and never silence.
    """
    newest = rows[-1][0]
    indexed = int(_meta(database, "indexed"))
    newest_of_room: dict[int | None, int] = {room: id for id, room, _, _ in rows}
    database.execute("BEGIN IMMEDIATE")
    try:
        for id, _, _, body in rows:
            if id <= indexed:
                database.execute(
                    "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (id, search.indexed_text(body))
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
