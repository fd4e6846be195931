"""Which message a user sent under a `ref`: the index by which the log knows a resend (PROTOCOL.md section 5).

Refs are random, so each would dirty a page of its own on disk. Therefore the newest refs stay in memory. When they are
many, they go to disk in the order of their hashes, a share with each batch: neighbours share a page, and no batch has
to wait for all. A restart reads the newest refs from the entries again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from itertools import chain
from typing import TypeAlias

from tcp_server.log.database import insert_rows
from tcp_server.protocol.entries import KINDS, EntryKind

Pair: TypeAlias = tuple[int, str]  # a uid and its ref
Known: TypeAlias = tuple[EntryKind, int, bytes]  # an entry: kind, id and rest

RECENT = 16_384  # refs in memory before they go to disk; 3 MB
TAIL_MAX = 262_144  # messages that a start may have to read for the refs among them: 50 ms
SHARE = 2  # refs that go to disk for each draft of a batch: the queue is empty before as many new refs are there
SHARE_MIN = 64
PAIRS_MAX = 256  # looked up by one statement


def ref_hash(uid: int, ref: str) -> int:
    """Return the number by which the index knows a pair: 64 bits, signed."""
    return int.from_bytes(blake2b(f"{uid} {ref}".encode(), digest_size=8).digest(), "big", signed=True)


class Refs:
    """The index of refs, for the writer alone.

    For each batch call `find`, in its transaction `merge` if that is due, and after it `committed`.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._cursor = database.cursor()
        self._recent: dict[int, int] = {}  # hash -> id, of refs that are not (all) on disk
        self._queue: list[tuple[int, int]] = []  # refs on their way to disk, the next at the end
        self._through = 0  # the newest id of the queue
        self._merged = 0  # how many of the queue this transaction took
        self._hashes: dict[Pair, int] = {}  # of this transaction's drafts
        row = database.execute("SELECT value FROM meta WHERE name = 'refs'").fetchone()
        tail = database.execute(
            "SELECT uid, ref, id FROM entry WHERE id > ? AND ref IS NOT NULL", (int(row[0]) if row else 0,)
        )
        self._recent = {ref_hash(uid, ref): id for uid, ref, id in tail}

    def find(self, pairs: Iterable[Pair]) -> dict[Pair, Known]:
        """Return the entries of the pairs that the log has."""
        self._hashes = {pair: ref_hash(*pair) for pair in pairs}
        found: dict[Pair, Known] = {}
        older: list[int] = []
        for hash in self._hashes.values():
            id = self._recent.get(hash)
            if id is None:
                older.append(hash)
            else:
                found |= self._read("SELECT uid, ref, kind, id, body FROM entry WHERE id = ?", [id])
        for start in range(0, len(older), PAIRS_MAX):
            some = older[start : start + PAIRS_MAX]
            found |= self._read(
                "SELECT uid, ref, kind, entry.id, body FROM by_ref CROSS JOIN entry ON entry.id = by_ref.id"
                f" WHERE hash IN ({','.join('?' * len(some))})",
                some,
            )
        return found

    def is_merge_due(self, newest: int) -> bool:
        """Say whether a batch behind the newest message has to bring refs to disk."""
        if not self._recent:
            return False
        oldest = next(iter(self._recent.values()))
        return bool(self._queue) or len(self._recent) >= RECENT or newest - oldest >= TAIL_MAX

    def merge(self, drafts: int) -> None:
        """Bring a share of the refs to disk, in proportion to the batch's number of drafts; only when that is due."""
        if not self._queue:
            self._queue = sorted(self._recent.items(), reverse=True)
            self._through = max(self._recent.values())
        share = self._queue[-max(SHARE_MIN, SHARE * drafts) :]
        self._merged = len(share)
        values = list(chain.from_iterable(share))
        insert_rows(self._cursor, "INSERT OR IGNORE INTO by_ref VALUES", "(?,?)", values)
        if len(share) == len(self._queue):
            self._cursor.execute("INSERT OR REPLACE INTO meta VALUES ('refs', ?)", (str(self._through),))

    def note_none(self, newest: int) -> None:
        """If no ref waits for the disk, let the next start read refs only from entries after this id."""
        if not self._recent:
            self._cursor.execute("INSERT OR REPLACE INTO meta VALUES ('refs', ?)", (str(newest),))

    def committed(self, fresh: dict[Pair, int]) -> None:
        """Take note that the transaction is committed, with the refs that it appended."""
        if self._merged:
            for hash, _ in self._queue[-self._merged :]:
                self._recent.pop(hash, None)
            del self._queue[-self._merged :]
            self._merged = 0
        for pair, id in fresh.items():
            self._recent[self._hashes[pair]] = id

    def _read(self, sql: str, values: list[int]) -> dict[Pair, Known]:
        rows = self._cursor.execute(sql, values)
        return {(uid, ref): (KINDS[kind], id, body.encode()) for uid, ref, kind, id, body in rows}


def index_refs(database: sqlite3.Connection) -> tuple[str, int, int] | None:
    """Index the refs of a log that was filled at once, in its transaction.

    Returns:
        None, or a ref that the same user sent twice, and the ids of these messages.
    """
    database.create_function("ref_hash", 2, ref_hash, deterministic=True)
    database.execute("INSERT INTO by_ref SELECT ref_hash(uid, ref), id FROM entry WHERE ref IS NOT NULL ORDER BY 1, 2")
    database.execute("INSERT OR REPLACE INTO meta SELECT 'refs', coalesce(max(id), 0) FROM entry")
    twice: tuple[str, int, int] | None = database.execute(
        "SELECT one.ref, one.id, other.id FROM by_ref JOIN by_ref AS same ON same.hash = by_ref.hash"
        " AND same.id > by_ref.id JOIN entry AS one ON one.id = by_ref.id JOIN entry AS other ON other.id = same.id"
        " WHERE other.uid = one.uid AND other.ref = one.ref LIMIT 1"
    ).fetchone()
    return twice
