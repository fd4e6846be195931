"""The writing half of the SQLite log: batches into the database, plain and synchronous; `readings` reads.

Whole batches go through one statement each: sqlite3 lets go of the interpreter's lock once a statement, not once a row,
so that the event loop and the log share two cores.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tcp_server.chat.directory import Changes, Present
from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Room
from tcp_server.log.database import (
    BUSY_MSEC,
    DIRECT_PAIR,
    FILE_NAME,
    ROWS_MAX,
    check_schema,
    create_schema,
    explained,
    insert_rows,
    open_database,
)
from tcp_server.log.interface import LogError, Logged, LogUnavailable, Outcome
from tcp_server.log.readings import Readings
from tcp_server.log.refs import Pair, Refs
from tcp_server.protocol.entries import KINDS, entry_body

logger = logging.getLogger(__name__)

CHECKPOINT_PAGES = 1_000  # of the write-ahead log, before a commit that may wait brings them into the database
ENTRIES_A_PAGE = 8  # about, with their share of the indexes
SORT_ENTRIES = 2_048  # in the unsorted tail: sorting takes 4 ms of a commit, scanning 0.5 ms of a reading

# A draft's row of `entry`, by its kind, whether it is direct and whether it has a ref.
_ROWS = {
    (number, direct, has_ref): f"(?,{number},{'NULL,?,?' if direct else '?,?,NULL'},?,{'?' if has_ref else 'NULL'},?)"
    for number in KINDS
    for direct in (True, False)
    for has_ref in (True, False)
}
_SORT = "INSERT INTO by_room SELECT room, id FROM entry WHERE id > ? AND room IS NOT NULL ORDER BY room, id"


class LogBusy(LogUnavailable):
    """Another program holds the database; a transaction that may wait would get through."""


class LogWriter:
    """Stores batches. One thread at a time may call it.

    Args:
        folder: the data folder; it exists.
        full_sync: wait for the disk at every commit, so that a power cut loses nothing either.
        must_exist: raise an error instead of making a new log.

    Attributes:
        full_sync: the same.
        hasty_pages: about how many pages transactions that may not wait left in the write-ahead log since one that may
            wait brought them into the database; the caller that makes a checkpoint sets it to 0.

    Raises:
        LogError: the database can't be opened.
    """

    def __init__(self, folder: Path, *, full_sync: bool = False, must_exist: bool = False) -> None:
        self.path = folder / FILE_NAME
        self.full_sync = full_sync
        if must_exist and not self.path.exists():
            raise LogError(f"there is no log in {folder}")
        self.database = open_database(self.path)
        self._cursor = self.database.cursor()
        self.readings = Readings(self.database)  # between two batches, as exact as the log itself
        try:
            with explained(self.path):
                self._prepare(must_exist)
        except LogError:
            self.database.close()
            raise

    def close(self) -> None:
        self.database.close()

    def _prepare(self, must_exist: bool) -> None:
        database = self.database
        if must_exist:
            check_schema(database, self.path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if self.full_sync else 'NORMAL'}")
        database.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        self._may_wait = True
        self.hasty_pages = 0
        database.execute("PRAGMA temp_store = MEMORY")
        if not self._one("SELECT count(*) FROM sqlite_schema"):
            create_schema(database)
        check_schema(database, self.path)
        database.execute(DIRECT_PAIR)
        self.reload()

    def reload(self) -> None:
        """Refresh what is kept in memory, after the database was written to by another way than `append`."""
        self.epoch = str(self._one("SELECT value FROM meta WHERE name = 'epoch'"))
        self._newest = max(int(self._one("SELECT max(id) FROM entry") or 0), self.pruned())
        self._room_numbers = dict(self.database.execute("SELECT key, number FROM room"))
        self._sorted = int(self._one("SELECT value FROM meta WHERE name = 'sorted'") or 0)
        self._refs = Refs(self.database)

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        row = self.database.execute(sql, values).fetchone()
        return None if row is None else row[0]

    # What the server starts with

    @property
    def newest(self) -> int:
        """The newest id that was ever given."""
        return self._newest

    def pruned(self) -> int:
        """Return the newest id that retention took out, 0 if it never did."""
        return int(self._one("SELECT value FROM meta WHERE name = 'pruned'") or 0)

    def rooms(self) -> list[Room]:
        """Return every room, with its topic and its newest id.

        Raises:
            LogError: the database can't be read.
        """
        with explained(self.path):
            tail = dict(
                self.database.execute("SELECT room, max(id) FROM entry WHERE id > ? GROUP BY room", (self._sorted,))
            )
            rows = self.database.execute(
                "SELECT number, key, name, topic, (SELECT max(id) FROM by_room WHERE room = number) FROM room"
            ).fetchall()
        return [Room(key, name, topic, tail.get(number) or newest or 0) for number, key, name, topic, newest in rows]

    def present(self) -> dict[int, Present]:
        """Return the users that were present when the server ended, by uid.

        Raises:
            LogError: the database can't be read.
        """
        with explained(self.path):
            rows = self.database.execute("SELECT uid, nickname, rooms FROM present").fetchall()
        return {uid: Present(nickname, msgspec.json.decode(rooms)) for uid, nickname, rooms in rows}

    # Appending

    def allow_waiting(self, allowed: bool) -> None:
        """Say whether the next transactions may wait for the disk, and for another program that holds the database.

        Transactions that may not wait let the write-ahead log grow: make a `checkpoint` when `hasty_pages` are many.
        """
        if allowed != self._may_wait:
            self.database.execute(f"PRAGMA busy_timeout = {BUSY_MSEC if allowed else 0}")
            self.database.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES if allowed else 0}")
            self._may_wait = allowed

    def append(self, drafts: Sequence[Draft], changes: Changes | None = None) -> list[Outcome]:
        """Store a batch in one transaction; afterwards the batch survives a kill.

        Returns:
            An outcome for each draft, in order. Ids grow from the newest on.

        Raises:
            LogUnavailable: nothing of the batch was stored. LogBusy: it would have had to wait.
        """
        is_one_row = changes is None and self._is_one_row(drafts)  # one INSERT is a transaction by itself
        try:
            if not is_one_row:
                self.database.execute("BEGIN IMMEDIATE")
            try:
                newest, outcomes, fresh = self._append(drafts, changes)
                if not is_one_row:
                    self.database.execute("COMMIT")
            except BaseException:
                if self.database.in_transaction:
                    self.database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            self._room_numbers = {}  # may name rooms that were rolled back
            is_busy = not self._may_wait and error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            raise (LogBusy if is_busy else LogUnavailable)(str(error)) from None
        self._newest = newest
        self._count_pages(1 + len(drafts) // ENTRIES_A_PAGE)
        self._refs.committed(fresh)
        if newest - self._sorted >= SORT_ENTRIES:
            self.sort()
        return outcomes

    def sort(self) -> None:
        """Fill the index by room up to the newest entry, in its own order; `append` does it now and then.

        A failure loses nothing: readings scan a longer tail, and the next call tries again.
        """
        after, newest = self._sorted, self._newest
        try:
            self.database.execute("BEGIN IMMEDIATE")
            try:
                self.database.execute(_SORT, (after,))
                self.database.execute("INSERT OR REPLACE INTO meta VALUES ('sorted', ?)", (str(newest),))
                self._refs.note_none(newest)
                self.database.execute("COMMIT")
            except BaseException:
                if self.database.in_transaction:
                    self.database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            logger.warning("the log's index can't be filled now: %s", error)
            return
        self._count_pages(min(newest - after, len(self._room_numbers)))
        self._sorted = newest

    def _count_pages(self, pages: int) -> None:
        self.hasty_pages = 0 if self._may_wait else self.hasty_pages + pages

    def _is_one_row(self, drafts: Sequence[Draft]) -> bool:
        """Say whether a batch writes one row at most: a message alone, as in a quiet chat."""
        if len(drafts) != 1 or self._refs.is_merge_due(self._newest):
            return False
        room = drafts[0].room
        return room is not None and room.key in self._room_numbers

    def _append(self, drafts: Sequence[Draft], changes: Changes | None) -> tuple[int, list[Outcome], dict[Pair, int]]:
        if changes is not None:
            for key, (name, topic) in changes.rooms.items():
                self._store_room(key, name, topic)
            self._store_present(changes.roster)
        pairs = [(draft.sender.uid, draft.ref) for draft in drafts if draft.ref is not None]
        logged = self._refs.find(pairs) if pairs else {}
        if self._refs.is_merge_due(self._newest):
            self._refs.merge(len(drafts))
        fresh: dict[Pair, int] = {}
        outcomes: list[Outcome] = []
        entries: dict[str, list[Any]] = {}
        direct: list[Any] = []
        newest = self._newest
        for draft in drafts:
            uid = draft.sender.uid
            if draft.ref is not None:
                pair = (uid, draft.ref)
                known = logged.get(pair)
                if known is not None or draft.refusal is not None:
                    outcomes.append(known and Logged(known[1], entry_body(*known)))
                    continue
                logged[pair] = (draft.kind, newest + 1, draft.rest)
                fresh[pair] = newest + 1
            newest += 1
            outcomes.append(newest)
            values = entries.setdefault(_ROWS[draft.kind.number, draft.room is None, draft.ref is not None], [])
            if draft.room is not None:
                values += (newest, self._number(draft.room), uid, draft.millis)
            elif draft.peer is not None and draft.keys is not None:
                peer, (sender_key, peer_key) = draft.peer, draft.keys
                values += (newest, uid, peer.uid, draft.millis)
                direct += (uid, newest, peer_key)
                if peer.uid != uid:
                    direct += (peer.uid, newest, sender_key)
            if draft.ref is not None:
                values.append(draft.ref)
            values.append(draft.rest.decode())
        for row, values in entries.items():
            insert_rows(self._cursor, "INSERT INTO entry VALUES", row, values)
        if direct:
            insert_rows(self._cursor, "INSERT INTO direct VALUES", "(?,?,?)", direct)
        return newest, outcomes, fresh

    def _number(self, room: Room) -> int:
        number = self._room_numbers.get(room.key)
        return self._store_room(room.key, room.name, room.topic) if number is None else number

    def _store_room(self, key: str, name: str, topic: str) -> int:
        number = self._one(
            "INSERT INTO room (key, name, topic) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET topic = excluded.topic RETURNING number",
            (key, name, topic),
        )
        self._room_numbers[key] = number
        return int(number)

    def _store_present(self, roster: dict[int, Present | None]) -> None:
        gone = [uid for uid, present in roster.items() if present is None]
        for start in range(0, len(gone), ROWS_MAX):
            some = gone[start : start + ROWS_MAX]
            self.database.execute(f"DELETE FROM present WHERE uid IN ({','.join('?' * len(some))})", some)
        values: list[Any] = []
        for uid, present in roster.items():
            if present is not None:
                values += (uid, present.nickname, msgspec.json.encode(present.rooms).decode())
        insert_rows(self._cursor, "INSERT OR REPLACE INTO present VALUES", "(?,?,?)", values)
