"""The writer: what was appended is there, once, in order; the error of what can't be opened says why."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcp_server.chat.directory import Changes, Present
from tcp_server.log import writer as writer_module
from tcp_server.log.database import APPLICATION_ID, FILE_NAME
from tcp_server.log.interface import LogError, Logged, LogUnavailable, Viewer
from tcp_server.log.writer import LogWriter
from tcp_server.protocol.entries import MSG, entry_body
from tests.tcp_server.logbook import Logbook, missed


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Logbook]:
    book = Logbook(tmp_path)
    yield book
    book.close()


def test_ids_grow_by_one(book: Logbook) -> None:
    """Over batches, rooms and restarts."""
    assert book.say("one", "two") == [1, 2]
    assert book.say("three", room="coffee") == [3]
    book.reopen()
    assert book.writer.newest == 3
    assert book.say("four", to="bob") == [4]


def test_an_empty_batch(book: Logbook) -> None:
    """Changes alone are stored too."""
    assert book.writer.append([], Changes({"tea": ("Tea", "leaves")}, {})) == []
    assert [(room.key, room.name, room.topic, room.newest) for room in book.writer.rooms()] == [
        ("tea", "Tea", "leaves", 0)
    ]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("sort", [False, True])
def test_a_ref_is_logged_once(book: Logbook, restart: bool, sort: bool) -> None:
    """For ever: in the same batch, later, sorted away, after a restart. The first one is the truth."""
    first = book.draft("once", ref="r")
    assert book.append(first, book.draft("twice", ref="r")) == [1, Logged(1, entry_body(MSG, 1, first.rest))]
    if sort:
        book.writer.sort()
    if restart:
        book.reopen()
    assert book.append(book.draft("again", "coffee", ref="r")) == [Logged(1, entry_body(MSG, 1, first.rest))]
    assert book.append(book.draft("other", ref="s"), book.draft("his", sender="bob", ref="r")) == [2, 3]


def test_many_refs_at_once(book: Logbook) -> None:
    """More than one statement takes."""
    drafts = [book.draft(str(number), ref=f"r{number}") for number in range(700)]
    assert book.append(*drafts) == list(range(1, 701))
    again = book.append(*drafts)
    book.writer.sort()
    assert (
        book.append(*drafts)
        == again
        == [Logged(id, entry_body(MSG, id, draft.rest)) for id, draft in enumerate(drafts, 1)]
    )


def test_a_refused_draft_is_only_looked_up(book: Logbook) -> None:
    """Found it is what was logged; not found it is nothing, and leaves nothing."""
    first = book.draft("once", ref="r")
    book.append(first)
    known, unknown = book.draft("x", ref="r"), book.draft("x", ref="s")
    known.refusal = unknown.refusal = ("not_in_room", "no")
    assert book.append(known, unknown) == [Logged(1, entry_body(MSG, 1, first.rest)), None]
    assert book.append(book.draft("now", ref="s")) == [2]


def test_rooms_and_presence_survive(book: Logbook) -> None:
    """Topics, newest ids, and the rooms of each present user."""
    book.writer.append(
        [book.draft("one", "tea"), book.draft("two", "tea"), book.draft("three", "coffee")],
        Changes(
            {"tea": ("Tea", "leaves"), "coffee": ("coffee", ""), "empty": ("empty", "")},
            {7: Present("zoë", ["tea"]), 2**63 - 1: Present("bob", [])},
        ),
    )
    book.writer.append([], Changes({"tea": ("ignored", "milk")}, {7: Present("zoë", ["tea", "coffee"]), 8: None}))
    for _ in range(2):
        rooms = {room.key: (room.name, room.topic, room.newest) for room in book.writer.rooms()}
        assert rooms == {"tea": ("Tea", "milk", 2), "coffee": ("coffee", "", 3), "empty": ("empty", "", 0)}
        assert book.writer.present() == {7: Present("zoë", ["tea", "coffee"]), 2**63 - 1: Present("bob", [])}
        book.writer.sort()
        book.reopen()
    book.writer.append([], Changes({}, {uid: None for uid in [7, 2**63 - 1, *range(100, 700)]}))
    assert book.writer.present() == {}


def test_the_epoch_is_the_logs_own(book: Logbook, tmp_path: Path) -> None:
    """It stays with the database and differs between two."""
    epoch = book.writer.epoch
    book.reopen()
    assert book.writer.epoch == epoch
    (tmp_path / "other").mkdir()
    other = Logbook(tmp_path / "other")
    assert other.writer.epoch != epoch
    other.close()


def indexed(book: Logbook) -> int:
    return int(book.writer.database.execute("SELECT count(*) FROM by_room").fetchone()[0])


def test_sorting_is_due_after_many(book: Logbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """And changes nothing that can be seen."""
    monkeypatch.setattr(writer_module, "SORT_ENTRIES", 10)
    book.say(*map(str, range(9)))
    assert indexed(book) == 0
    book.say("10")
    assert indexed(book) == 10
    assert book.writer.rooms()[0].newest == 10


def test_a_disk_that_is_full(book: Logbook) -> None:
    """Nothing of the batch is stored, and it goes on when there is room again."""
    book.say("before", ref="r0")
    pages = book.writer.database.execute("PRAGMA page_count").fetchone()[0]
    book.writer.database.execute(f"PRAGMA max_page_count = {pages}")
    big = [book.draft("x" * 4000, "new room", ref=f"r{number}") for number in range(1, 100)]
    with pytest.raises(LogUnavailable, match="full"):
        book.writer.append(big, Changes({"topic": ("topic", "")}, {}))
    assert book.writer.newest == 1
    book.writer.database.execute("PRAGMA max_page_count = 1000000")
    assert book.append(*big) == list(range(2, 101))
    assert {room.key for room in book.writer.rooms()} == {"tea", "new room"}


def test_a_sort_that_fails_is_tried_again(book: Logbook, caplog: pytest.LogCaptureFixture) -> None:
    """At its beginning or in the middle; readings scan the tail as long."""
    book.say(*["x"] * 300)
    book.writer.database.execute("PRAGMA query_only = 1")
    book.writer.sort()
    book.writer.database.execute("PRAGMA query_only = 0")
    book.writer.database.execute(
        "CREATE TRIGGER no BEFORE INSERT ON by_room BEGIN SELECT raise(ABORT, 'in the middle'); END"
    )
    book.writer.sort()
    book.writer.database.execute("DROP TRIGGER no")
    assert len(caplog.records) == 2
    assert "in the middle" in caplog.text
    assert len(missed(book.writer.readings, Viewer(1, ("tea",)), 0, 999).bodies) == 300
    book.writer.sort()
    assert len(missed(book.writer.readings, Viewer(1, ("tea",)), 0, 999).bodies) == 300
    assert book.writer.database.execute("SELECT count(*) FROM by_room").fetchone() == (300,)


def test_an_error_of_ours_is_rolled_back(book: Logbook) -> None:
    """And goes through as it is."""
    bad = book.draft("x")
    bad.rest = b"\xff"
    with pytest.raises(UnicodeDecodeError):
        book.append(book.draft("good"), bad)
    assert book.say("next") == [1]


def test_full_sync(tmp_path: Path) -> None:
    """A matter of the connection."""
    writer = LogWriter(tmp_path, full_sync=True)
    assert writer.database.execute("PRAGMA synchronous").fetchone() == (2,)
    writer.close()


# What can't be opened


def test_a_newer_database(tmp_path: Path) -> None:
    """Refused, with both versions."""
    LogWriter(tmp_path).close()
    database = sqlite3.connect(tmp_path / FILE_NAME)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(LogError, match=r"newer version \(schema 99"):
        LogWriter(tmp_path)


def test_somebody_elses_database(tmp_path: Path) -> None:
    """It is left alone."""
    database = sqlite3.connect(tmp_path / FILE_NAME)
    database.execute("CREATE TABLE cookies (x)")
    database.close()
    with pytest.raises(LogError, match="not a log of this program"):
        LogWriter(tmp_path)


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database(tmp_path: Path, content: bytes) -> None:
    """The error says the way out."""
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(LogError, match=r"\.recover"):
        LogWriter(tmp_path)


def test_a_database_whose_start_is_fine(tmp_path: Path) -> None:
    """Its damage is found at the start if what the start needs is damaged."""
    book = Logbook(tmp_path)
    book.say(*["x" * 500] * 500)
    book.close()
    path = tmp_path / FILE_NAME
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xee" * (len(data) - 4096)
    path.write_bytes(bytes(data))
    with pytest.raises(LogError, match="damaged"):
        LogWriter(tmp_path)


def test_a_folder_in_the_place_of_the_database(tmp_path: Path) -> None:
    """Can't be opened; the error says which."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(LogError, match=r"can't open .*chat\.sqlite3"):
        LogWriter(tmp_path)


def test_the_application_id_tells_our_databases(book: Logbook) -> None:
    """`file` can show it."""
    assert book.writer.database.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
