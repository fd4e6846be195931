"""The database: opened, known by its stamps, checkpointed, and rows that are put in by few statements."""

import sqlite3
from pathlib import Path

import pytest

from tcp_server.log import database as database_module
from tcp_server.log.database import (
    FILE_NAME,
    ROWS_MAX,
    SCHEMA_VERSION,
    check_schema,
    checkpoint,
    create_schema,
    explained,
    insert_rows,
    open_database,
)
from tcp_server.log.interface import LogError


def test_a_new_schema_has_its_stamps(tmp_path: Path) -> None:
    """The version, and an epoch of its own."""
    epochs = set()
    for name in ("one", "two"):
        database = open_database(tmp_path / name)
        create_schema(database)
        assert check_schema(database, tmp_path / name) == SCHEMA_VERSION
        epochs.add(database.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone())
        database.close()
    assert len(epochs) == 2


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("PRAGMA application_id = 7", "is not a log of this program; choose another --data"),
        ("PRAGMA user_version = 99", "was written by a newer version (schema 99, this one knows 1)"),
        ("DROP TABLE meta", "is damaged or no database (no such table: meta)"),
    ],
)
def test_a_schema_that_isnt_ours(tmp_path: Path, statement: str, text: str) -> None:
    """The error says why and what to do."""
    path = tmp_path / FILE_NAME
    database = open_database(path)
    create_schema(database)
    database.execute(statement)
    with pytest.raises(LogError) as caught:
        check_schema(database, path)
    assert str(caught.value).startswith(f"{path} {text}")
    database.close()


def test_what_cant_be_opened(tmp_path: Path) -> None:
    """A folder."""
    with pytest.raises(LogError, match="can't open"):
        open_database(tmp_path)


@pytest.mark.parametrize(
    ("before", "statement", "text"),
    [
        ("PRAGMA max_page_count = 1", "CREATE TABLE more (a)", "no room is left on the disk for .*{}"),
        ("PRAGMA query_only = 1", "CREATE TABLE more (a)", "can't write to .*{}: it is read-only, or its folder is"),
        ("SELECT 1", "ATTACH '/no/folder/here' AS other", "can't open .*{}: unable to open"),
        ("SELECT 1", "SELECT a FROM nothing", r"{} is damaged or no database .*\.recover"),
    ],
)
def test_errors_are_explained(tmp_path: Path, before: str, statement: str, text: str) -> None:
    """A full disk, files that may not be written or opened, damage: each has its remedy."""
    path = tmp_path / FILE_NAME
    database = open_database(path)
    create_schema(database)
    database.execute(before)
    with pytest.raises(LogError, match=text.format(FILE_NAME)), explained(path):
        database.execute(statement)
    database.close()


def test_a_lock_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a program that holds the database and doesn't let go of it."""
    monkeypatch.setattr(database_module, "BUSY_MSEC", 0)
    path = tmp_path / FILE_NAME
    other, database = open_database(path), open_database(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LogError, match=f"{FILE_NAME} is locked by another program"), explained(path):
        create_schema(database)
    other.close()
    create_schema(database)
    database.close()


def test_an_error_without_a_code_is_explained(tmp_path: Path) -> None:
    """The sqlite3 module has errors of its own."""
    with pytest.raises(LogError, match="is damaged or no database"), explained(tmp_path):
        raise sqlite3.ProgrammingError("closed")


def test_a_schema_is_made_whole(tmp_path: Path) -> None:
    """A log that a full disk cuts short isn't there at all, and has its epoch when there is room."""
    database = open_database(tmp_path / FILE_NAME)
    for pages in range(1, 100):
        database.execute(f"PRAGMA max_page_count = {pages}")
        try:
            create_schema(database)
        except sqlite3.OperationalError:
            if database.in_transaction:
                database.execute("ROLLBACK")
            assert database.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
        else:
            break
    assert database.execute("SELECT length(value) FROM meta WHERE name = 'epoch'").fetchone() == (16,)
    database.close()


def test_a_checkpoint_returns_the_pages(tmp_path: Path) -> None:
    """Of the write-ahead log, as it was found."""
    database = open_database(tmp_path / FILE_NAME)
    database.execute("PRAGMA journal_mode = WAL")
    create_schema(database)
    assert checkpoint(database) > 0
    database.close()


def test_a_checkpoint_that_cant_be_made(caplog: pytest.LogCaptureFixture) -> None:
    """It is put off to the next one."""
    database = sqlite3.connect(":memory:")
    database.close()
    assert checkpoint(database) == 0
    assert "no checkpoint can be made" in caplog.text


@pytest.mark.parametrize("count", [0, 1, 2, 3, 255, ROWS_MAX, ROWS_MAX + 1, 1000])
def test_rows_are_inserted_whole(count: int) -> None:
    """Many at once, by few statements."""
    here = sqlite3.connect(":memory:", isolation_level=None)
    here.execute("CREATE TABLE pair (a INTEGER, b TEXT)")
    statements: list[str] = []
    here.set_trace_callback(statements.append)
    insert_rows(
        here.cursor(), "INSERT INTO pair VALUES", "(?,?)", [value for number in range(count) for value in (number, "x")]
    )
    here.set_trace_callback(None)
    assert here.execute("SELECT a FROM pair").fetchall() == [(number,) for number in range(count)]
    assert len(statements) <= count // ROWS_MAX + 8
    here.close()
