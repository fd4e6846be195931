"""Readings by values: what was missed, pages of history; sorted, unsorted, or half."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcp_server.log import readings as readings_module
from tcp_server.log.interface import LinkReplay, LinkReplayQuery, Span, Viewer
from tcp_server.log.readings import CHUNK_FIRST, Readings, wire_sql
from tcp_server.log.search import fill_index
from tcp_server.log.upkeep import SqliteUpkeep
from tcp_server.protocol.entries import MSG, EntryKind, MessageFields, entry_id
from tcp_server.protocol.server_packets import fitting
from tests.tcp_server.logbook import Logbook, direct_page, ids, missed, room_page

ALICE = Viewer(1, ("tea", "coffee"))


@pytest.fixture(params=["unsorted", "half", "sorted"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logbook]:
    """Ids 1–12: tea, coffee, a room that alice isn't in, and direct messages, three times."""
    book = Logbook(tmp_path)
    for name in ("alice", "bob", "carol"):
        book.user(name)
    for number in range(3):
        book.say(f"tea {number}", room="tea")
        book.say(f"coffee {number}", room="coffee", sender="bob")
        book.say(f"milk {number}", room="milk", sender="bob")
        book.say(f"direct {number}", to="bob", sender=("alice", "carol")[number % 2])
        if request.param == "half" and number == 1:
            book.writer.sort()
    if request.param == "sorted":
        book.writer.sort()
    yield book
    book.close()


@pytest.fixture
def readings(book: Logbook) -> Iterator[Readings]:
    reader = book.search()
    yield reader
    reader._database.close()


def missed_by_link(readings: Readings, after: int, limit: int) -> LinkReplay:
    replay = readings.replay(LinkReplayQuery(after, limit))
    assert isinstance(replay, LinkReplay)
    return replay


def test_missed_is_what_one_may_see(readings: Readings) -> None:
    """One's rooms and one's direct messages, in order; `after` excluded."""
    replay = missed(readings, ALICE, 0, 100)
    assert ids(replay.bodies) == [1, 2, 4, 5, 6, 9, 10, 12]
    assert (replay.after, replay.is_complete) == (12, True)
    assert ids(missed(readings, ALICE, 5, 100).bodies) == [6, 9, 10, 12]
    assert ids(missed(readings, Viewer(3, ()), 0, 100).bodies) == [8]
    assert ids(missed(readings, Viewer(2, ("nowhere", "milk")), 0, 100).bodies) == [3, 4, 7, 8, 11, 12]
    nothing = missed(readings, ALICE, 12, 100)
    assert (nothing.bodies, nothing.after, nothing.is_complete) == ([], 12, True)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 9])
def test_missed_page_by_page(readings: Readings, limit: int) -> None:
    """All of them if called again and again; complete covers what others said too."""
    seen: list[int] = []
    after, complete = 0, False
    while not complete:
        replay = missed(readings, ALICE, after, limit)
        seen += ids(replay.bodies)
        after, complete = replay.after, replay.is_complete
    assert (seen, after) == ([1, 2, 4, 5, 6, 9, 10, 12], 12)


def test_missed_of_late(readings: Readings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over MISSED_MAX visible ones: a GAP and the newest; messages that the viewer can't see don't count."""
    monkeypatch.setattr(readings_module, "MISSED_MAX", 7)
    monkeypatch.setattr(readings_module, "MISSED_KEPT", 3)
    replay = missed(readings, ALICE, 0, 100, Span.RECENT)
    assert json.loads(replay.bodies[0]) == {"type": "GAP", "after": 0, "id": 9}
    assert (ids(replay.bodies[1:]), replay.after, replay.is_complete) == ([9, 10, 12], 12, True)
    assert ids(missed(readings, ALICE, 1, 100, Span.RECENT).bodies) == [2, 4, 5, 6, 9, 10, 12]
    assert ids(missed(readings, Viewer(3, ("tea",)), 0, 100, Span.RECENT).bodies) == [1, 5, 8, 9]


def test_newest_is_always_a_gap(readings: Readings) -> None:
    """Nothing at all: up to the newest + 1."""
    assert ids(missed(readings, ALICE, span=Span.NEWEST).bodies) == [
        1,
        1,
        2,
        4,
        5,
        6,
        9,
        10,
        12,
    ]
    (gap,) = missed(readings, Viewer(99, ()), span=Span.NEWEST).bodies
    assert json.loads(gap) == {"type": "GAP", "after": 0, "id": 13}


def test_missed_by_a_link(book: Logbook, readings: Readings) -> None:
    """Everybody's: the room's key, or the uids of a direct one."""
    replay = missed_by_link(readings, 2, 3)
    assert [(key, uids, entry_id(body)) for key, uids, body in replay.entries] == [
        ("milk", (2, 0), 3),
        (None, (1, 2), 4),
        ("tea", (1, 0), 5),
    ]
    assert (replay.after, replay.is_complete) == (5, False)
    rest = missed_by_link(readings, 5, 100)
    assert (len(rest.entries), rest.after, rest.is_complete) == (7, 12, True)
    assert missed_by_link(readings, 12, 100).entries == []


def test_a_page_of_a_room(readings: Readings) -> None:
    """Newest, before, after; `more` in the direction of paging; nothing over `through`."""

    def page(before: int | None, after: int | None, limit: int, through: int = 12) -> tuple[list[int], bool]:
        bodies, more = room_page(readings, "tea", before, after, limit, through)
        return ids(bodies), more

    assert page(None, None, 2) == ([5, 9], True)
    assert page(None, None, 3) == ([1, 5, 9], False)
    assert page(9, None, 1) == ([5], True)
    assert page(9, None, 2) == ([1, 5], False)
    assert page(None, 0, 2) == ([1, 5], True)
    assert page(None, 1, 2) == ([5, 9], False)
    assert page(None, None, 3, through=8) == ([1, 5], False)
    assert page(None, 0, 3, through=8) == ([1, 5], False)
    assert page(1, None, 3) == page(None, 9, 3) == page(0, None, 3) == ([], False)
    assert page(None, 10**40, 3) == ([], False)
    assert page(10**40, None, 1) == ([9], True)
    assert room_page(readings, "nowhere", None, None, 3) == ([], False)


def test_a_page_of_direct_messages(readings: Readings) -> None:
    """By the name under which the other was shown."""
    assert ids(direct_page(readings, 2, "alice")[0]) == [4, 12]
    assert ids(direct_page(readings, 2, "carol")[0]) == [8]
    assert ids(direct_page(readings, 1, "bob", limit=1)[0]) == [12]
    assert ids(direct_page(readings, 1, "bob", after=4, limit=1)[0]) == [12]
    assert direct_page(readings, 1, "carol") == ([], False)


def test_a_room_that_comes_later_is_found(book: Logbook, readings: Readings) -> None:
    """A reader that had looked for it in vain looks again."""
    viewer = Viewer(1, ("juice",))
    assert missed(readings, viewer, 12, 9).bodies == []
    book.say("fresh", room="juice", sender="bob")
    assert ids(missed(readings, viewer, 12, 9).bodies) == [13]


@pytest.mark.parametrize("after", [0, 3, 4, 5, 6])
def test_what_retention_took_out_is_a_gap(book: Logbook, readings: Readings, after: int) -> None:
    """But only for viewers that would have seen some of it."""
    fill_index(book.writer.database, 3)
    assert not SqliteUpkeep(book.writer).prune(0, 7, 100)
    replay = missed(readings, ALICE, after, 100)
    if after < 5:
        assert json.loads(replay.bodies[0]) == {"type": "GAP", "after": after, "id": 6}
        assert ids(replay.bodies[1:]) == [6, 9, 10, 12]
    else:
        assert ids(replay.bodies) == [id for id in (6, 9, 10, 12) if id > after]
    carol = missed(readings, Viewer(3, ()), 0, 100)
    assert [json.loads(body)["type"] for body in carol.bodies] == ["GAP", "MSG"]
    milk = missed(readings, Viewer(99, ("milk",)), 4, 100)
    assert ids(milk.bodies) == [7, 11]


def test_everything_may_be_taken_out(book: Logbook, readings: Readings) -> None:
    """The GAP reaches to the newest + 1, and ids go on from there."""
    assert not SqliteUpkeep(book.writer).prune(2**62, None, 100)
    assert json.loads(missed(readings, ALICE, 3, 9).bodies[0]) == {"type": "GAP", "after": 3, "id": 13}
    assert json.loads(missed(readings, ALICE, span=Span.NEWEST).bodies[0]) == {"type": "GAP", "after": 0, "id": 13}
    assert missed(readings, ALICE, 12, 9).bodies == []
    book.reopen()
    assert book.writer.newest == 12
    assert book.say("next") == [13]
    assert ids(missed(readings, ALICE, 12, 9).bodies) == [13]


def test_fitting() -> None:
    """As many as one packet holds."""
    assert fitting([b"x" * 20_000] * 5, 200) == 3
    assert fitting([b"x" * 65_000], 200) == 0
    assert fitting([b"x"] * 300, 200) == 200
    assert fitting([], 200) == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    steps=st.lists(st.tuples(st.sampled_from(["tea", "coffee", "milk", "bob", "carol", "sort"]), st.integers(1, 2))),
    after=st.integers(0, 40),
    limit=st.integers(1, 5),
)
def test_readings_agree_with_a_list(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], after: int, limit: int
) -> None:
    """After any steps, a reading is a filter of one list."""
    book = Logbook(tmp_path_factory.mktemp("log"))
    book.user("alice")
    said: list[tuple[int, str, int]] = []
    for what, sender in steps:
        if what == "sort":
            book.writer.sort()
        elif what in ("tea", "coffee", "milk"):
            said.append((book.say("x", room=what)[0], what, 0))
        else:
            (id,) = book.say("x", to=what, sender=("alice", "bob")[sender - 1])
            said.append((id, "", 1 if sender == 1 else 2 if what == "bob" else 3))
    visible = [id for id, room, direct in said if id > after and (room in ALICE.rooms or direct == 1)]
    seen: list[int] = []
    cursor, complete = after, False
    while not complete:
        replay = missed(book.writer.readings, ALICE, cursor, limit)
        seen += ids(replay.bodies)
        cursor, complete = replay.after, replay.is_complete
    tea = [id for id, room, _ in said if room == "tea"]
    page = room_page(book.writer.readings, "tea", None, after, limit, 10**6)
    book.close()
    assert seen == visible
    assert ids(page[0]) == [id for id in tea if id > after][:limit]
    assert page[1] == (len([id for id in tea if id > after]) > limit)


def test_bodies_of_several_kinds() -> None:
    """Each begins with the head of its kind; where there is one kind, its column isn't read."""
    other = EntryKind(7, MessageFields, "OTHER")
    database = sqlite3.connect(":memory:")
    rows = "SELECT 3 AS id, 7 AS kind, '\"x\":1}' AS body UNION SELECT 4, 0, '\"y\":2}' ORDER BY 1"
    found = database.execute(f"SELECT {wire_sql([MSG, other])} FROM ({rows})").fetchall()
    assert [body for (body,) in found] == ['{"type":"OTHER","id":3,"x":1}', '{"type":"MSG","id":4,"y":2}']
    assert "kind" not in wire_sql([MSG])
    database.close()


def test_a_page_of_long_messages_reads_few(tmp_path: Path) -> None:
    """It stops by size: a packet holds a few of them, so it doesn't read 200."""
    book = Logbook(tmp_path)
    book.say(*["x" * 8000] * 250)
    book.writer.sort()
    reader = book.search()
    read: list[int] = []
    bodies = reader._bodies
    reader._bodies = lambda sql, values: (read.append(values[-1]), bodies(sql, values))[1]  # type: ignore[method-assign]
    for after in (None, 0):
        page, more = room_page(reader, "tea", None, after, 200, 999)
        assert (len(page), more) == (7, True)
    assert read == [CHUNK_FIRST, CHUNK_FIRST]
    reader._database.close()
    book.close()


@pytest.mark.parametrize("after", [None, 0])
def test_a_long_page_of_short_messages(tmp_path: Path, after: int | None) -> None:
    """It is read in chunks, and is whole."""
    book = Logbook(tmp_path)
    book.say(*["x"] * 100, room="milk")
    book.say(*["x"] * 250)
    reader = book.search()
    page, more = room_page(reader, "tea", None, after, 200, 999)
    expected = range(151, 351) if after is None else range(101, 301)
    assert (ids(page), more) == (list(expected), True)
    reader._database.close()
    book.close()


def test_a_room_that_was_just_made(tmp_path: Path) -> None:
    """Its number is looked up by its key alone, however many rooms there are."""
    book = Logbook(tmp_path)
    book.say("x", room="tea")
    reader = book.search()
    statements: list[str] = []
    reader._database.set_trace_callback(statements.append)
    assert room_page(reader, "new", None, None, 50) == ([], False)
    rooms = [statement for statement in statements if "FROM room" in statement]
    assert len(rooms) == 1
    plan = reader._database.execute(f"EXPLAIN QUERY PLAN {rooms[0]}").fetchall()
    assert "SEARCH room USING" in plan[0][3]
    reader._database.close()
    book.close()


def test_long_messages_are_not_read_to_count_them(tmp_path: Path) -> None:
    """What is missed is counted by ids alone, and so is where the newest begin."""
    book = Logbook(tmp_path)
    book.say(*["x" * 8000] * 300)
    reader = book.search()
    statements: list[str] = []
    reader._database.set_trace_callback(statements.append)
    missed(reader, ALICE, 0, 4, Span.NEWEST)
    first = next(statement for statement in statements if "min(id)" in statement)
    assert "body" not in first
    reader._database.close()
    book.close()
