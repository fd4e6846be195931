"""The statement of all readings, by what it selects from a small database."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from tcp_server.log.visible import Order, Scope, select

# Ids 1–12 in the rooms 1, 2, 3 in turn; of every fourth a direct message of the users 7 and 8.
ROOMS = {id: (None if id % 4 == 0 else id % 3 + 1) for id in range(1, 13)}


def database(sorted_through: int) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, kind INTEGER, room INTEGER, time INTEGER, body TEXT);"
        "CREATE TABLE by_room (room INTEGER, id INTEGER, PRIMARY KEY (room, id)) WITHOUT ROWID;"
        "CREATE TABLE direct (uid INTEGER, id INTEGER, name TEXT, PRIMARY KEY (uid, id)) WITHOUT ROWID;"
    )
    for id, room in ROOMS.items():
        database.execute("INSERT INTO entry VALUES (?, 0, ?, ?, ?)", (id, room, 100 + id, f"body {id}"))
        if room is None:
            database.executemany("INSERT INTO direct VALUES (?, ?, '')", [(7, id), (8, id)])
        elif id <= sorted_through:
            database.execute("INSERT INTO by_room VALUES (?, ?)", (room, id))
    return database


@given(
    rooms=st.sets(st.integers(1, 4)),
    uid=st.sampled_from([None, 7, 9]),
    after=st.integers(0, 14),
    before=st.integers(0, 14),
    sorted_through=st.integers(0, 12),
    order=st.sampled_from(["ASC", "DESC"]),
    limit=st.integers(1, 13),
)
def test_it_selects_what_is_visible(
    rooms: set[int],
    uid: int | None,
    after: int,
    before: int,
    sorted_through: int,
    order: Order,
    limit: int,
) -> None:
    """Held against a filter, wherever the index ends."""
    here = database(sorted_through)
    scope = Scope(sorted(rooms), uid, after, before)
    sql, values = select(scope, sorted_through, order, limit)
    rows = here.execute(sql, values).fetchall()
    sql, values = select(scope, sorted_through, order, limit, ", time, body")
    assert here.execute(sql, values).fetchall() == [(id, 100 + id, body) for id, _, body in rows]
    here.close()
    expected = [
        (id, 0, f"body {id}")
        for id, room in ROOMS.items()
        if after < id < before and (room in rooms or (room is None and uid == 7))
    ]
    assert rows == (expected if order == "ASC" else expected[::-1])[:limit]
