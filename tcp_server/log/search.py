"""Search in the log: an index of three-character pieces, filled behind the hot path, and a scan of the rest.

The index (SQLite's FTS5, trigram) answers for words of three characters and more up to the id it was filled to;
what is newer, and shorter words, are found by reading newest first. Both ways check each hit's text, so an
answer never depends on how far the index is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from tcp_server.log.readings import NO_LIMIT, Reader, Readings, id_of
from tcp_server.log.visible import Scope, select
from tcp_server.protocol.names import fold_text
from tcp_server.protocol.server_packets import LIST_MAX, fitting

SCAN_PAGE = 512  # messages that are read at once while scanning
INDEXED_MIN = 3  # characters of a word that the trigram index can find


@dataclass(frozen=True)
class Query:
    """What is searched for; times are in milliseconds since 1970."""

    words: tuple[str, ...]  # folded
    sender: str | None = None  # folded
    since: int | None = None  # inclusive
    until: int | None = None  # exclusive
    before: int | None = None  # exclusive
    limit: int = LIST_MAX


class _Text(msgspec.Struct, gc=False):
    """What a hit is checked by."""

    nickname: str
    message: str


_read_text = msgspec.json.Decoder(_Text).decode


class Search(Readings):
    """Reads hits; one thread at a time may call it."""

    def search(self, reader: Reader, query: Query, *, direct: bool, through: int) -> tuple[list[bytes], bool]:
        """Return a page of hits that the reader may see, newest first, and whether there are older ones.

        Args:
            direct: search the reader's direct messages too.
            through: the newest id that may be shown.
        """
        limit = min(query.limit, LIST_MAX)
        before = through + 1 if query.before is None else min(query.before, through + 1)
        hits: list[bytes] = []
        for body in self._candidates(reader, query, before, direct):
            if _matches(body, query):
                hits.append(body)
                if len(hits) > limit:
                    break
        fit = fitting(hits, limit)
        return hits[:fit], fit < len(hits)

    def _candidates(self, reader: Reader, query: Query, before: int, direct: bool) -> Iterator[bytes]:
        phrases = [word for word in query.words if len(word) >= INDEXED_MIN]
        if not phrases:
            yield from self._scan(reader, query, 0, before, direct)
            return
        indexed = self._meta("indexed")
        yield from self._scan(reader, query, indexed, before, direct)
        yield from self._indexed(reader, query, phrases, min(before, indexed + 1), direct)

    def _scan(self, reader: Reader, query: Query, after: int, before: int, direct: bool) -> Iterator[bytes]:
        """Read all that is visible between two ids, newest first."""
        while True:
            scope = Scope(self._numbers(reader.rooms), reader.uid if direct else None, after, before)
            bodies = self._bodies(*select(scope, self._sorted(), "DESC", SCAN_PAGE, *_times(query)))
            yield from bodies
            if len(bodies) < SCAN_PAGE:
                return
            before = id_of(bodies[-1])

    def _indexed(
        self, reader: Reader, query: Query, phrases: Sequence[str], before: int, direct: bool
    ) -> Iterator[bytes]:
        """Read what the index has for these phrases and is visible, newest first."""
        times, limits = _times(query)
        numbers = self._numbers(reader.rooms)
        visible = f"room IN ({','.join('?' * len(numbers))})"
        values: list[int] = list(numbers)
        if direct:
            visible += " OR room IS NULL AND EXISTS (SELECT 1 FROM direct WHERE uid = ? AND direct.id = entry.id)"
            values.append(reader.uid)
        sql = (
            "SELECT id, body FROM words JOIN entry ON id = words.rowid WHERE words MATCH ? AND words.rowid < ?"
            f"{times} AND ({visible}) ORDER BY words.rowid DESC LIMIT {LIST_MAX}"
        )
        match = " AND ".join('"' + phrase.replace('"', '""') + '"' for phrase in phrases)
        while True:
            bodies = self._bodies(sql, [match, before, *limits, *values])
            yield from bodies
            if len(bodies) < LIST_MAX:
                return
            before = id_of(bodies[-1])


def unindexed(database: sqlite3.Connection) -> int:
    """Return about how many messages are not in the index yet."""
    newest = database.execute("SELECT max(id) FROM entry").fetchone()[0] or 0
    return max(0, int(newest) - _indexed_id(database))


def fill_index(database: sqlite3.Connection, limit: int) -> int:
    """Index the next messages, at most `limit`, and return how many there were.

    To be called by who writes to the log. Costs 25 µs a message in large pieces and 70 in small ones, so never on the
    hot path.
    """
    rows = database.execute(
        "SELECT id, body FROM entry WHERE id > ? ORDER BY id LIMIT ?", (_indexed_id(database), limit)
    ).fetchall()
    if not rows:
        return 0
    values = [value for id, body in rows for value in (id, indexed_text(body))]
    database.execute("BEGIN IMMEDIATE")
    try:
        database.execute(f"INSERT INTO words (rowid, text) VALUES {','.join(['(?,?)'] * len(rows))}", values)
        database.execute("INSERT OR REPLACE INTO meta VALUES ('indexed', ?)", (str(rows[-1][0]),))
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return len(rows)


def _indexed_id(database: sqlite3.Connection) -> int:
    row = database.execute("SELECT value FROM meta WHERE name = 'indexed'").fetchone()
    return int(row[0]) if row else 0


def indexed_text(rest: str) -> str:
    """Return what the index holds of a stored body."""
    return fold_text(_read_text("{" + rest).message)


def _matches(body: bytes, query: Query) -> bool:
    text = _read_text(body)
    if query.sender is not None and fold_text(text.nickname) != query.sender:
        return False
    folded = fold_text(text.message)
    return all(word in folded for word in query.words)


def _times(query: Query) -> tuple[str, list[int]]:
    """Return the condition on an entry's time, and its values."""
    if query.since is None and query.until is None:
        return "", []
    return " AND time >= ? AND time < ?", [query.since or 0, NO_LIMIT if query.until is None else query.until]
