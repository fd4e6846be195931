"""Search in the SQLite log: an index of three-character pieces, filled behind the hot path, and a scan of the rest.

The index (SQLite's FTS5, trigram) finds words of three characters and more, up to the id to which it is filled. A scan,
newest first, finds shorter words and newer messages. Both check each hit's text, so an answer never depends on how far
the index is.

Each message is folded again whenever it is looked at: a short one takes 1 µs, the longest of another script 60, and to
keep the folded texts would take as much space as the messages do. Instead one search looks at a bounded number of
messages and of bytes, and what makes folding dear is cut (`fold_pieces`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from unicodedata import category

import msgspec

from tcp_server.log.interface import LOOKED_AT_MAX, SearchPage, SearchQuery
from tcp_server.log.readings import NO_LIMIT, WIRE, Readings
from tcp_server.log.visible import Scope, select
from tcp_server.protocol.entries import entry_id
from tcp_server.protocol.names import fold_text
from tcp_server.protocol.server_packets import LIST_MAX, fitting

LOOKED_AT_BYTES = 16 * 1024 * 1024  # of the messages that one search looks at
LOOK_FIRST = 64  # messages that are looked at by the first statement
LOOK_MAX = 512  # and by any; in between as many as LOOK_BYTES have
LOOK_BYTES = 1024 * 1024
INDEXED_MIN = 3  # characters of a word that the trigram index can find
PIECE = 256  # characters that are folded at once: normalization takes quadratic time in a run of marks
MARKS_MAX = 64  # characters in which a piece must find its end; more marks than that in a row are cut

_Look: TypeAlias = tuple[list[bytes], int, int | None]
"""Bodies to check, how many messages were looked at, and before which id to look next; None: nowhere."""


class SearchGivenUp(Exception):
    """Nobody waits for the hits any more."""


class _Text(msgspec.Struct, gc=False):
    """The fields by which a hit is checked."""

    nickname: str
    message: str


_read_text = msgspec.json.Decoder(_Text).decode


class SearchReadings(Readings):
    """Reads hits; one thread at a time may call it."""

    def search(self, query: SearchQuery, is_given_up: Callable[[], bool] = lambda: False) -> SearchPage:
        """Return a page of hits, newest first.

        Raises:
            SearchGivenUp: `is_given_up` said so.
        """
        limit = min(query.limit, LIST_MAX)
        phrases = [word for word in query.words if len(word) >= INDEXED_MIN]
        indexed = self._meta("indexed")
        following: int | None = query.through + 1 if query.before is None else min(query.before, query.through + 1)
        hits: list[bytes] = []
        looked_at = size = 0
        count = LOOK_FIRST
        while following is not None and looked_at < LOOKED_AT_MAX and size < LOOKED_AT_BYTES:
            count = min(count, LOOKED_AT_MAX - looked_at)
            bodies, looked, following = self._look(query, phrases, indexed, following, count)
            for body in bodies:
                if is_given_up():
                    raise SearchGivenUp
                if _matches(body, query):
                    hits.append(body)
                    if len(hits) > limit:
                        break
            fit = fitting(hits, limit)
            if fit < len(hits):
                return hits[:fit], entry_id(hits[fit - 1])
            looked_at += looked
            length = sum(map(len, bodies))
            size += length
            count = min(LOOK_MAX, max(1, LOOK_BYTES * len(bodies) // length)) if bodies else LOOK_MAX
        return hits, following

    def _look(self, query: SearchQuery, phrases: Sequence[str], indexed: int, before: int, count: int) -> _Look:
        """Read the next messages that may be hits, newest first."""
        if not phrases:
            return self._scan(query, 0, before, count)
        if before > indexed + 1:
            bodies, looked, following = self._scan(query, indexed, before, count)
            return bodies, looked, indexed + 1 if following is None else following
        return self._look_into_index(query, phrases, before, count)

    def _scan(self, query: SearchQuery, after: int, before: int, count: int) -> _Look:
        """Read all messages that are visible between two ids."""
        uid = query.viewer.uid if query.is_direct else None
        scope = Scope(self._numbers(query.viewer.rooms), uid, after, before)
        sql, values = select(scope, self._sorted(), "DESC", count, ", time, kind, body")
        return self._looked(f"SELECT id AS number, id, time, kind, body FROM ({sql})", values, *_times(query), count)

    def _look_into_index(self, query: SearchQuery, phrases: Sequence[str], before: int, count: int) -> _Look:
        """Read the messages that the index has for these phrases; those that the viewer may not see count, too."""
        times, limits = _times(query)
        numbers = self._numbers(query.viewer.rooms)
        visible = f"room IN ({','.join('?' * len(numbers))})"
        if query.is_direct:
            visible += " OR room IS NULL AND EXISTS (SELECT 1 FROM direct WHERE uid = ? AND direct.id = number)"
        condition = f"({visible}) AND {times}"
        bound = [*numbers, *([query.viewer.uid] if query.is_direct else []), *limits]
        sql = (
            "SELECT number, entry.id, time, room, kind, body FROM (SELECT rowid AS number FROM words"
            " WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?) LEFT JOIN entry ON entry.id = number"
        )
        match = " AND ".join('"' + phrase.replace('"', '""') + '"' for phrase in phrases)
        return self._looked(sql, [match, before, count], condition, bound, count)

    def _looked(self, sql: str, values: Sequence[Any], condition: str, bound: Sequence[Any], count: int) -> _Look:
        """Run a statement that yields messages and their numbers; return those for which a condition holds."""
        joined, looked, oldest = self._database.execute(
            f"SELECT CAST(group_concat({WIRE}, char(10)) FILTER (WHERE {condition}) AS BLOB), count(*), min(number)"
            f" FROM ({sql})",
            [*bound, *values],
        ).fetchone()
        return joined.split(b"\n") if joined else [], looked, oldest if looked == count else None


def unindexed(database: sqlite3.Connection) -> int:
    """Return about how many messages are not in the index yet."""
    newest = database.execute("SELECT max(id) FROM entry").fetchone()[0] or 0
    return max(0, int(newest) - _indexed_id(database))


def fill_index(database: sqlite3.Connection, limit: int) -> int:
    """Index the next messages, at most `limit`, and return how many there were.

    The log's writer alone calls this, off the hot path: a message costs 25 µs in large pieces and 70 in small ones.
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
    """Return the text that the index holds of a stored body."""
    return fold_pieces(_read_text("{" + rest).message)


def fold_pieces(text: str) -> str:
    """Return a text as `fold_text` does, in linear time: a run of more than MARKS_MAX marks may be cut.

    Such a run is refused nowadays, but older logs may have some.
    """
    if len(text) <= PIECE or text.isascii():
        return fold_text(text)
    pieces = []
    start = 0
    while start < len(text):
        stop = start + PIECE
        if stop < len(text):
            stop = next((place for place in range(stop, stop - MARKS_MAX, -1) if _begins(text[place])), stop)
        pieces.append(fold_text(text[start:stop]))
        start = stop
    return "".join(pieces)


def _begins(character: str) -> bool:
    """Say whether a character is never composed with those before it: no mark, and no vowel or final of Hangul."""
    return category(character)[0] != "M" and not "\u1160" <= character <= "\u11ff"


def _matches(body: bytes, query: SearchQuery) -> bool:
    text = _read_text(body)
    if query.sender is not None and fold_text(text.nickname) != query.sender:
        return False
    folded = fold_pieces(text.message)
    return all(word in folded for word in query.words)


def _times(query: SearchQuery) -> tuple[str, list[int]]:
    """Return the condition on an entry's time, and its values."""
    if query.since is None and query.until is None:
        return "id IS NOT NULL", []
    return "time >= ? AND time < ?", [query.since or 0, NO_LIMIT if query.until is None else query.until]
