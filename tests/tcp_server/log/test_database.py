"""The database: opened, known by its stamps, checkpointed, and rows that are put in by few statements."""

import sqlite3
from pathlib import Path

import pytest

from tcp_server.log.database import (
    FILE_NAME,
    ROWS_MAX,
    SCHEMA_VERSION,
    check_schema,
    checkpoint,
    create_schema,
    damaged,
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
    """A folder, and a file that is no database."""
    with pytest.raises(LogError, match="can't open"):
        open_database(tmp_path)
    assert ".recover" in str(damaged(tmp_path / FILE_NAME, sqlite3.DatabaseError("malformed")))


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
