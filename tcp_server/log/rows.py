"""Many rows by few statements: the interpreter's lock is let go once a statement, not once a row."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Any

ROWS_MAX = 256  # of one INSERT; of rows as narrow as ours, far below SQLite's 32,766 values


def insert_rows(cursor: sqlite3.Cursor, into: str, row: str, values: list[Any]) -> None:
    """Insert rows such as `(?, NULL, ?)`, whose values are given one after the other.

    The statements are of a few sizes only, powers of two, so that each is compiled once. Write NULL into the row
    where you can: to bind None takes sqlite3 ten times as long as to bind a number. Keep the cursor: to make one takes
    a tenth of the time of storing a message alone.
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
