"""The log: the one ordered record that every reading of the chat comes from (DESIGN: the log is the truth).

`Log` writes, called by one at a time; `readings.Readings` reads. Both are plain synchronous SQLite. Whole
batches go through one statement each: the interpreter's lock is let go once a statement, not once a row, so
that the event loop and the log share two cores.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from tcp_server.directory import Changes, Present
from tcp_server.readings import Readings
from tcp_server.refs import Pair, Refs
from tcp_server.rows import ROWS_MAX, insert_rows
from tcp_server.state import Draft, Room

logger = logging.getLogger(__name__)

FILE_NAME = "chat.sqlite3"
APPLICATION_ID = 0x57504B54  # "WPKT"; tells our databases from other people's
SCHEMA_VERSION = 1
BUSY_MSEC = 5_000
CACHE_KIB = 16_384
CHECKPOINT_PAGES = 1_000  # of the write-ahead log, before a commit that may wait brings them into the database
HASTY_PAGES = 4_000  # that commits may leave there which may not wait, before `checkpoint` is due
ENTRIES_A_PAGE = 8  # with what they cost the indexes, about
SORT_ENTRIES = 2_048  # that wait to be sorted: 4 ms for a commit to wait, 0.5 ms for a reading to scan

MESSAGE_KIND = 0  # the first kind of entry; edits, redactions and reactions will point at one of it by id

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE room (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, topic TEXT NOT NULL,
    pruned INTEGER NOT NULL DEFAULT 0   -- the newest id that retention took out of this room
);
CREATE TABLE entry (                    -- body: the message as it goes out, without type and id
    id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, room INTEGER, uid INTEGER NOT NULL, peer INTEGER,
    time INTEGER NOT NULL, ref TEXT, body TEXT NOT NULL
);
-- Filled in bulk up to the id `sorted` of meta, so that a page is written once for many messages.
CREATE TABLE by_room (room INTEGER, id INTEGER, PRIMARY KEY (room, id)) WITHOUT ROWID;
-- Filled up to the id `refs` of meta, and beyond it in part.
CREATE TABLE by_ref (hash INTEGER, id INTEGER, PRIMARY KEY (hash, id)) WITHOUT ROWID;
CREATE TABLE direct (                   -- whose direct message, and under what name the other was shown
    uid INTEGER, id INTEGER, name TEXT NOT NULL, PRIMARY KEY (uid, id)
) WITHOUT ROWID;
CREATE INDEX direct_name ON direct (uid, name, id);
CREATE TABLE present (uid INTEGER PRIMARY KEY, nickname TEXT NOT NULL, rooms TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (
    text, tokenize = 'trigram case_sensitive 1', content = ''
);
"""


# A message's row of `entry`, by whether it is direct and whether it has a ref.
_ROWS = {
    (direct, has_ref): f"(?,{MESSAGE_KIND},{'NULL,?,?' if direct else '?,?,NULL'},?,{'?' if has_ref else 'NULL'},?)"
    for direct in (True, False)
    for has_ref in (True, False)
}
_SORT = "INSERT INTO by_room SELECT room, id FROM entry WHERE id > ? AND room IS NOT NULL ORDER BY room, id"


class LogError(Exception):
    """The database can't be opened; the text says why and what to do."""


class LogUnavailable(Exception):
    """Nothing can be stored at the moment: the disk is full, or fails."""


class LogBusy(LogUnavailable):
    """Another program holds the database; who may wait for it should."""


@dataclass(frozen=True)
class Logged:
    """What the log had already for a (uid, ref)."""

    id: int
    body: bytes


Outcome: TypeAlias = int | Logged | None  # a new id; the message as logged before; not found, as a lookup may end


def wire_body(id: int, rest: bytes) -> bytes:
    """Return the whole body of a logged message."""
    return b'{"type":"MSG","id":%d,%b' % (id, rest)


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database for reading and writing in autocommit mode.

    Raises:
        LogError: SQLite can't.
    """
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise LogError(f"can't open {path}: {error}") from None
    try:
        database.execute(f"PRAGMA busy_timeout = {BUSY_MSEC}")
        database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except sqlite3.Error as error:
        database.close()
        raise _damaged(path, error) from None
    return database


def check_schema(database: sqlite3.Connection, path: Path) -> int:
    """Return the version of a log's schema.

    Raises:
        LogError: it is no log, damaged, or of a newer version.
    """
    try:
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        database.execute("SELECT value FROM meta WHERE name = 'epoch'" if application == APPLICATION_ID else "SELECT 1")
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from None
    if application != APPLICATION_ID:
        raise LogError(f"{path} is not a log of this program; choose another --data")
    if version > SCHEMA_VERSION:
        raise LogError(
            f"{path} was written by a newer version (schema {version}, this one knows {SCHEMA_VERSION});"
            " start that version, or choose another --data"
        )
    return version


def _damaged(path: Path, error: sqlite3.Error) -> LogError:
    return LogError(
        f"{path} is damaged or no database ({error}); move it away to start with an empty log,"
        f" or save what can be read with: sqlite3 {path.name} .recover | sqlite3 new.sqlite3"
    )


class Log:
    """The writer. One thread at a time may call it.

    Args:
        folder: the data folder; it exists.
        full_sync: wait for the disk at every commit, so that a power cut loses nothing either.

    Attributes:
        full_sync: the same.
    """

    def __init__(self, folder: Path, *, full_sync: bool = False) -> None:
        self.path = folder / FILE_NAME
        self.full_sync = full_sync
        self.database = open_database(self.path)
        self.readings = Readings(self.database)  # between two batches, as exact as the log itself
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self.database.close()
            raise _damaged(self.path, error) from None
        except LogError:
            self.database.close()
            raise

    def close(self) -> None:
        self.database.close()

    def _prepare(self) -> None:
        database = self.database
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if self.full_sync else 'NORMAL'}")
        database.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        self._may_wait = True
        self._hasty = 0  # pages, about, of transactions that could not wait, since one could
        database.execute("PRAGMA temp_store = MEMORY")
        if not self._one("SELECT count(*) FROM sqlite_schema"):
            self._create()
        version = check_schema(database, self.path)
        self._migrate(version)
        self.reload()

    def reload(self) -> None:
        """Take note of what the database holds, after opening it or writing to it by another way."""
        self.epoch = str(self._one("SELECT value FROM meta WHERE name = 'epoch'"))
        self._newest = max(int(self._one("SELECT max(id) FROM entry") or 0), self.pruned())
        self._room_numbers = dict(self.database.execute("SELECT key, number FROM room"))
        self._sorted = int(self._one("SELECT value FROM meta WHERE name = 'sorted'") or 0)
        self._refs = Refs(self.database)

    def _create(self) -> None:
        self.database.executescript(f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; {_SCHEMA}"
                                     f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")  # fmt: skip
        self.database.execute("INSERT INTO meta VALUES ('epoch', ?)", (secrets.token_hex(8),))

    def _migrate(self, version: int) -> None:
        """Bring an older schema up, a step a version; there is only one so far."""

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
        """Return every room that was ever seen, with its topic and newest id."""
        tail = dict(
            self.database.execute("SELECT room, max(id) FROM entry WHERE id > ? GROUP BY room", (self._sorted,))
        )
        rows = self.database.execute(
            "SELECT number, key, name, topic, (SELECT max(id) FROM by_room WHERE room = number) FROM room"
        )
        return [Room(key, name, topic, tail.get(number) or newest or 0) for number, key, name, topic, newest in rows]

    def present(self) -> dict[int, Present]:
        """Return who was present when the server ended, by uid."""
        rows = self.database.execute("SELECT uid, nickname, rooms FROM present")
        return {uid: Present(nickname, msgspec.json.decode(rooms)) for uid, nickname, rooms in rows}

    # Appending

    def allow_waiting(self, allowed: bool) -> None:
        """Say whether the next transactions may wait for the disk, and for another program that holds the database.

        Those that may not let the write-ahead log grow: call `checkpoint` when it is due.
        """
        if allowed != self._may_wait:
            self.database.execute(f"PRAGMA busy_timeout = {BUSY_MSEC if allowed else 0}")
            self.database.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES if allowed else 0}")
            self._may_wait = allowed

    def append(self, drafts: Sequence[Draft], changes: Changes) -> list[Outcome]:
        """Store a batch in one transaction; afterwards it survives a kill.

        Returns:
            An outcome for each draft, in order. Ids grow from the newest on.

        Raises:
            LogUnavailable: nothing of the batch was stored; LogBusy: because it may not wait.
        """
        try:
            self.database.execute("BEGIN IMMEDIATE")
            try:
                newest, outcomes, fresh = self._append(drafts, changes)
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
        return outcomes

    def sort(self) -> None:
        """Fill the index by room up to the newest entry, in its own order.

        Where that fails nothing is lost: readings scan a longer tail, and the next call tries again.
        """
        after, newest = self._sorted, self._newest
        try:
            self.database.execute("BEGIN IMMEDIATE")
            try:
                self.database.execute(_SORT, (after,))
                self.database.execute("INSERT OR REPLACE INTO meta VALUES ('sorted', ?)", (str(newest),))
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

    @property
    def is_sort_due(self) -> bool:
        return self._newest - self._sorted >= SORT_ENTRIES

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the database, which waits for the disk."""
        self._hasty = 0
        try:
            self.database.execute("PRAGMA wal_checkpoint")
        except sqlite3.Error as error:
            logger.warning("no checkpoint can be made now: %s", error)

    @property
    def is_checkpoint_due(self) -> bool:
        return self._hasty >= HASTY_PAGES

    def _count_pages(self, pages: int) -> None:
        self._hasty = 0 if self._may_wait else self._hasty + pages

    def _append(self, drafts: Sequence[Draft], changes: Changes) -> tuple[int, list[Outcome], dict[Pair, int]]:
        for key, (name, topic) in changes.rooms.items():
            self._store_room(key, name, topic)
        self._store_present(changes.roster)
        logged = self._refs.find((draft.sender.uid, draft.ref) for draft in drafts if draft.ref is not None)
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
                    outcomes.append(known and Logged(known[0], wire_body(*known)))
                    continue
                logged[pair] = (newest + 1, draft.rest)
                fresh[pair] = newest + 1
            newest += 1
            outcomes.append(newest)
            values = entries.setdefault(_ROWS[draft.room is None, draft.ref is not None], [])
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
            insert_rows(self.database, "INSERT INTO entry VALUES", row, values)
        insert_rows(self.database, "INSERT INTO direct VALUES", "(?,?,?)", direct)
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
        insert_rows(self.database, "INSERT OR REPLACE INTO present VALUES", "(?,?,?)", values)
