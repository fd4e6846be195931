"""Rows by few statements."""

import sqlite3

import pytest

from tcp_server.log.rows import ROWS_MAX, insert_rows


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
