"""Upkeep: old messages go, and a viewer that missed them is told; a log is opened for upkeep alone."""

import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcp_server.log import upkeep as upkeep_module
from tcp_server.log.database import FILE_NAME
from tcp_server.log.interface import LogError, Viewer
from tcp_server.log.search import fill_index, unindexed
from tcp_server.log.upkeep import SqliteUpkeep, open_upkeep
from tests.tcp_server.logbook import TIME, Logbook, direct_page, ids, missed, room_page


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Logbook]:
    book = Logbook(tmp_path)
    yield book
    book.close()


def prune(book: Logbook, oldest_time: int, keep_messages: int | None, limit: int) -> bool:
    return SqliteUpkeep(book.writer).prune(oldest_time, keep_messages, limit)


def left(book: Logbook) -> list[int]:
    return [id for (id,) in book.writer.database.execute("SELECT id FROM entry ORDER BY id")]


def test_pruning_by_number(book: Logbook) -> None:
    """The newest stay; at most `limit` messages go at once."""
    book.say(*["x"] * 10)
    assert not prune(book, 0, 10, 100)
    assert prune(book, 0, 3, 5)
    assert left(book) == [6, 7, 8, 9, 10]
    assert not prune(book, 0, 3, 5)
    assert left(book) == [8, 9, 10]


def test_pruning_by_age(book: Logbook) -> None:
    """What is as old as that stays."""
    book.say(*["x"] * 10)
    assert not prune(book, TIME + 4, None, 100)
    assert left(book) == [4, 5, 6, 7, 8, 9, 10]


def test_pruning_by_both(book: Logbook) -> None:
    """Whichever takes more."""
    book.say(*["x"] * 10)
    prune(book, TIME + 4, 9, 100)
    assert left(book) == list(range(4, 11))
    prune(book, TIME + 4, 2, 100)
    assert left(book) == [9, 10]


def test_pruning_by_number_where_ids_have_holes(book: Logbook) -> None:
    """What is there is counted: an archive's ids may be far apart, and a database may be mended by hand."""
    head = b'{"type":"ARCHIVE","version":1,"epoch":"e"}'
    fields = '"uid":1,"nickname":"alice","room":"tea","message":"x","timestamp":"2026-11-22T10:00:00Z"'
    upkeep = SqliteUpkeep(book.writer)
    upkeep.import_lines([head, *(f'{{"type":"MSG","id":{id},{fields}}}'.encode() for id in (1, 500, 1000))])
    assert not upkeep.prune(0, 3, 100)
    assert left(book) == [1, 500, 1000]
    book.say("next")
    assert not upkeep.prune(0, 3, 100)
    assert left(book) == [500, 1000, 1001]
    book.writer.database.execute("DELETE FROM entry WHERE id = 1000")
    assert not SqliteUpkeep(book.writer).prune(0, 2, 100)
    assert left(book) == [500, 1001]


def test_pruning_counts_page_by_page(book: Logbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """No commit waits for the count of a whole log; never too much goes, also where messages go by age meanwhile."""
    monkeypatch.setattr(upkeep_module, "COUNT_PAGE", 4)
    book.say(*["x"] * 12)
    upkeep = SqliteUpkeep(book.writer)
    assert upkeep.prune(0, 3, 100)
    assert left(book) == list(range(2, 13))
    assert upkeep.prune(TIME + 7, 3, 100)  # 6 and 7 are counted now, too; 8 is not
    assert left(book) == list(range(7, 13))
    while upkeep.prune(0, 3, 100):
        pass
    assert left(book) == [10, 11, 12]


def test_a_later_pruning_counts_what_is_new(book: Logbook) -> None:
    """Each minute as much as was said in it, however long the log is."""
    book.say(*["x"] * 2_000)
    upkeep = SqliteUpkeep(book.writer)
    assert not upkeep.prune(0, 5_000, 100)
    steps = itertools.count()
    book.writer.database.set_progress_handler(lambda: next(steps) < 0, 1)  # at each instruction of SQLite's machine
    book.say("one more")
    assert not upkeep.prune(0, 2_000, 2)
    assert next(steps) < 2_000
    book.writer.database.set_progress_handler(None, 0)
    assert len(left(book)) == 2_000


def test_pruning_an_empty_log(book: Logbook) -> None:
    """Nothing to do."""
    assert not prune(book, TIME, 1, 100)


@pytest.mark.parametrize("indexed", [0, 3, 10])
@pytest.mark.parametrize("sort", [False, True])
def test_pruning_takes_it_out_of_everything(book: Logbook, indexed: int, sort: bool) -> None:
    """Rooms, direct messages, the indexes."""
    for number in range(5):
        book.say(f"word{number} tea")
        book.say(f"word{number} direct", to="bob", ref=f"r{number}")
    if sort:
        book.writer.sort()
    if indexed:
        fill_index(book.writer.database, indexed)
    prune(book, 0, 4, 100)
    while fill_index(book.writer.database, 100):
        pass
    search = book.search()
    assert ids(room_page(search, "tea", None, None, 100)[0]) == [7, 9]
    assert ids(direct_page(search, 1, "bob")[0]) == [8, 10]
    for number in range(5):
        phrase = f'"word{number}"'
        rows = search._database.execute("SELECT rowid FROM words WHERE words MATCH ?", (phrase,)).fetchall()
        assert rows == ([(2 * number + 1,), (2 * number + 2,)] if number >= 3 else [])
    search._database.close()
    assert unindexed(book.writer.database) == 0
    for table in ("direct", "by_room", "by_ref"):
        assert book.writer.database.execute(f"SELECT count(*) FROM {table} WHERE id < 7").fetchone() == (0,)


@pytest.mark.parametrize("sort", [False, True])
def test_a_resend_of_what_was_taken_out(book: Logbook, sort: bool) -> None:
    """It is gone, so it is a new message; the batch goes through."""
    draft = book.draft("x", ref="r")
    assert book.append(draft) == [1]
    if sort:
        book.writer.sort()
    prune(book, 2**62, None, 100)
    assert book.append(book.draft("y"), book.draft("x", ref="r"), book.draft("z", ref="s")) == [2, 3, 4]


def test_a_failed_pruning_changes_nothing(book: Logbook) -> None:
    """All of it or nothing."""
    book.say(*["x"] * 10)
    fill_index(book.writer.database, 10)
    book.writer.database.execute("CREATE TRIGGER no BEFORE DELETE ON entry BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        prune(book, 2**62, None, 100)
    book.writer.database.execute("DROP TRIGGER no")
    assert left(book) == list(range(1, 11))
    assert json.loads(missed(book.writer.readings, Viewer(1, ("tea",)), 0, 9).bodies[0])["type"] == "MSG"


# For upkeep alone


def test_upkeep_of_a_log_that_nobody_else_has(tmp_path: Path) -> None:
    """Index, prune, checkpoint, export."""
    book = Logbook(tmp_path)
    book.say("one", "two", "three")
    book.close()
    upkeep = open_upkeep(tmp_path, must_exist=True)
    assert upkeep.unindexed() == 3
    assert upkeep.index(2) == 2
    assert upkeep.unindexed() == 1
    assert not upkeep.prune(0, 2, 100)
    assert upkeep.checkpoint() > 0
    assert [json.loads(line).get("message") for line in upkeep.export_lines()] == [None, None, "two", "three"]
    upkeep.close()


def test_a_log_that_must_exist(tmp_path: Path) -> None:
    """Neither a missing file nor an empty one becomes a new log; without that wish it does."""
    with pytest.raises(LogError, match="there is no log in"):
        open_upkeep(tmp_path, must_exist=True)
    assert not (tmp_path / FILE_NAME).exists()
    (tmp_path / FILE_NAME).write_bytes(b"")
    with pytest.raises(LogError, match="not a log of this program"):
        open_upkeep(tmp_path, must_exist=True)
    upkeep = open_upkeep(tmp_path)
    assert upkeep.import_lines([b'{"type":"ARCHIVE","version":1,"epoch":"e"}']) == 0
    upkeep.close()


def test_the_files_of_a_log(tmp_path: Path) -> None:
    """All that SQLite makes, also where the database is a link to another disk."""
    for name in ("disk", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / FILE_NAME).symlink_to(tmp_path / "disk" / FILE_NAME)
    book = Logbook(tmp_path / "data")
    book.say("one")
    there = {file for file in tmp_path.rglob("*") if file.is_file() and not file.is_symlink()}
    assert len(there) == 3
    assert there < set(SqliteUpkeep(book.writer).files())
    book.close()


def test_a_log_that_cant_be_read_or_written(tmp_path: Path) -> None:
    """Export and import say so as an opening does."""
    book = Logbook(tmp_path)
    upkeep = SqliteUpkeep(book.writer)
    book.writer.database.execute("PRAGMA query_only = 1")
    with pytest.raises(LogError, match="is read-only"):
        upkeep.import_lines([])
    book.writer.database.execute("PRAGMA query_only = 0")
    book.writer.database.execute("DROP TABLE room")
    with pytest.raises(LogError, match="is damaged"):
        list(upkeep.export_lines())
    book.close()
