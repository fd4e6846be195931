"""The log's database: its file and schema, how it is opened, and how many rows are put in by few statements."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from tcp_server.log.interface import LogError

logger = logging.getLogger(__name__)

FILE_NAME = "chat.sqlite3"
APPLICATION_ID = 0x57504B54  # "WPKT"; tells our databases from other people's
SCHEMA_VERSION = 1
BUSY_MSEC = 5_000
CACHE_KIB = 16_384
ROWS_MAX = 256  # of one INSERT; of rows as narrow as ours, far below SQLite's 32,766 values

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
CREATE TABLE direct (                   -- the direct messages of each user; name: the other user's, folded, as shown
    uid INTEGER, id INTEGER, name TEXT NOT NULL, PRIMARY KEY (uid, id)
) WITHOUT ROWID;
CREATE INDEX direct_name ON direct (uid, name, id);
CREATE TABLE present (uid INTEGER PRIMARY KEY, nickname TEXT NOT NULL, rooms TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (
    text, tokenize = 'trigram case_sensitive 1', content = ''
);
"""

_LOCKED = "{path} is locked by another program; end that program and try again"
_DAMAGED = (
    "{path} is damaged or no database ({error}); move it away to start with an empty log,"
    " or save what can be read with: sqlite3 {name} .recover | sqlite3 new.sqlite3"
)
_REMEDIES = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: "no room is left on the disk for {path}; make room, or choose another --data",
    sqlite3.SQLITE_READONLY: "can't write to {path}: it is read-only, or its folder is; choose another --data",
    sqlite3.SQLITE_CANTOPEN: "can't open {path}: {error}; see who may read and write it and its folder",
    sqlite3.SQLITE_PERM: "can't open {path}: {error}; see who may read and write it and its folder",
    sqlite3.SQLITE_IOERR: "can't read or write {path} ({error}); the disk is full or fails",
}


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database for reading and writing in autocommit mode.

    Raises:
        LogError: SQLite can't open it.
    """
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise LogError(f"can't open {path}: {error}") from None
    try:
        with explained(path):
            database.execute(f"PRAGMA busy_timeout = {BUSY_MSEC}")
            database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except LogError:
        database.close()
        raise
    return database


def database_files(path: Path) -> list[Path]:
    """Return the database and the files that SQLite may have beside it."""
    path = path.resolve()  # as SQLite does
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


# Of direct messages by their two users. Logs of before have it made when they are opened.
DIRECT_PAIR = "CREATE INDEX IF NOT EXISTS direct_pair ON entry (uid, peer, id) WHERE peer IS NOT NULL"


def create_schema(database: sqlite3.Connection) -> None:
    """Make the tables of a new log, and give it its epoch."""
    stamps = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
    epoch = f"INSERT INTO meta VALUES ('epoch', '{secrets.token_hex(8)}');"
    database.executescript(f"BEGIN; {stamps} {_SCHEMA} {epoch} COMMIT;")


def check_schema(database: sqlite3.Connection, path: Path) -> int:
    """Return the version of a log's schema.

    Raises:
        LogError: it is no log, damaged, of a newer version, or can't be used now.
    """
    with explained(path):
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        database.execute("SELECT value FROM meta WHERE name = 'epoch'" if application == APPLICATION_ID else "SELECT 1")
    if application != APPLICATION_ID:
        raise LogError(f"{path} is not a log of this program; choose another --data")
    if version > SCHEMA_VERSION:
        raise LogError(
            f"{path} was written by a newer version (schema {version}, this one knows {SCHEMA_VERSION});"
            " start that version, or choose another --data"
        )
    return version


def checkpoint(database: sqlite3.Connection) -> int:
    """Bring the write-ahead log into the database, as far as nobody has to wait for it, and return its pages.

    If no commit came meanwhile, the next commit begins the write-ahead log anew.
    """
    try:
        _, pages, _ = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error as error:
        logger.warning("no checkpoint can be made now: %s", error)
        return 0
    return int(pages)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an error of SQLite into a LogError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest tells kinds of a code apart
        remedy = _REMEDIES.get(code, _DAMAGED)
        raise LogError(remedy.format(path=path, name=path.name, error=error)) from None


def insert_rows(cursor: sqlite3.Cursor, into: str, row: str, values: list[Any]) -> None:
    """Insert rows such as `(?, NULL, ?)` whose values stand one after the other in `values`.

    Few statements: sqlite3 lets go of the interpreter's lock once a statement, not once a row. They have a few sizes
    only, powers of two, so that each is compiled once. Write NULL into the row where you can: to bind None takes
    sqlite3 ten times as long as to bind a number. Keep the cursor: to make one takes a tenth of the time of storing a
    message alone.
    """
    width = row.count("?")
    start, left = 0, len(values) // width
    while left:
        rows = 1 if left == 1 else min(ROWS_MAX, 1 << (left.bit_length() - 1))  # mostly 1: spare it the sum
        stop = start + rows * width
        cursor.execute(_statement(into, row, rows), values[start:stop])
        start, left = stop, left - rows


@lru_cache
def _statement(into: str, row: str, rows: int) -> str:
    return into + ",".join([row] * rows)
