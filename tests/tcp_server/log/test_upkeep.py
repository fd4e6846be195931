"""Upkeep: what is old goes, with a note; the index grows while it is quiet, and sooner when it must."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tcp_server.log import upkeep as upkeep_module
from tcp_server.log.readings import Paging, Reader
from tcp_server.log.search import fill_index, unindexed
from tcp_server.log.upkeep import Upkeep, prune
from tcp_server.log.worker import Worker
from tests.tcp_server.logbook import TIME, Logbook, ids


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Logbook]:
    book = Logbook(tmp_path)
    yield book
    book.close()


def left(book: Logbook) -> list[int]:
    return [id for (id,) in book.log.database.execute("SELECT id FROM entry ORDER BY id")]


def test_pruning_by_number(book: Logbook) -> None:
    """The newest stay; at most so many go at once."""
    book.say(*["x"] * 10)
    assert not prune(book.log.database, 0, 10, 100)
    assert prune(book.log.database, 0, 3, 5)
    assert left(book) == [6, 7, 8, 9, 10]
    assert not prune(book.log.database, 0, 3, 5)
    assert left(book) == [8, 9, 10]


def test_pruning_by_age(book: Logbook) -> None:
    """What is as old as that stays."""
    book.say(*["x"] * 10)
    assert not prune(book.log.database, TIME + 4, None, 100)
    assert left(book) == [4, 5, 6, 7, 8, 9, 10]


def test_pruning_by_both(book: Logbook) -> None:
    """Whichever takes more."""
    book.say(*["x"] * 10)
    prune(book.log.database, TIME + 4, 9, 100)
    assert left(book) == list(range(4, 11))
    prune(book.log.database, TIME + 4, 2, 100)
    assert left(book) == [9, 10]


def test_pruning_an_empty_log(book: Logbook) -> None:
    """Nothing to do."""
    assert not prune(book.log.database, TIME, 1, 100)


@pytest.mark.parametrize("indexed", [0, 3, 10])
@pytest.mark.parametrize("sort", [False, True])
def test_pruning_takes_it_out_of_everything(book: Logbook, indexed: int, sort: bool) -> None:
    """Rooms, direct messages, the indexes."""
    for number in range(5):
        book.say(f"word{number} tea")
        book.say(f"word{number} direct", to="bob", ref=f"r{number}")
    if sort:
        book.log.sort()
    fill_index(book.log.database, indexed) if indexed else None
    prune(book.log.database, 0, 4, 100)
    while fill_index(book.log.database, 100):
        pass
    search = book.search()
    through = Paging(None, None, 100, 99)
    assert ids(search.room_page("tea", through)[0]) == [7, 9]
    assert ids(search.direct_page(1, "bob", through)[0]) == [8, 10]
    for number in range(5):
        phrase = f'"word{number}"'
        rows = search._database.execute("SELECT rowid FROM words WHERE words MATCH ?", (phrase,)).fetchall()
        assert rows == ([(2 * number + 1,), (2 * number + 2,)] if number >= 3 else [])
    search._database.close()
    assert unindexed(book.log.database) == 0
    for table in ("direct", "by_room", "by_ref"):
        assert book.log.database.execute(f"SELECT count(*) FROM {table} WHERE id < 7").fetchone() == (0,)


@pytest.mark.parametrize("sort", [False, True])
def test_a_resend_of_what_was_taken_out(book: Logbook, sort: bool) -> None:
    """It is gone, so it is a new message; the batch goes through."""
    draft = book.draft("x", ref="r")
    assert book.append(draft) == [1]
    if sort:
        book.log.sort()
    prune(book.log.database, 2**62, None, 100)
    assert book.append(book.draft("y"), book.draft("x", ref="r"), book.draft("z", ref="s")) == [2, 3, 4]


def test_a_failed_pruning_changes_nothing(book: Logbook) -> None:
    """All of it or nothing."""
    book.say(*["x"] * 10)
    fill_index(book.log.database, 10)
    book.log.database.execute("CREATE TRIGGER no BEFORE DELETE ON entry BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        prune(book.log.database, 2**62, None, 100)
    book.log.database.execute("DROP TRIGGER no")
    assert left(book) == list(range(1, 11))
    assert json.loads(book.log.readings.missed(Reader(1, ("tea",)), 0, 9).bodies[0])["type"] == "MSG"


# In the loop


class Watch:
    """Runs an upkeep in the loop and waits for what it does."""

    def __init__(self, book: Logbook) -> None:
        self.book = book
        self.loop = asyncio.get_running_loop()
        self.worker = Worker("log-writer", self.loop)

    def start(self, **keep: float) -> Upkeep:
        upkeep = Upkeep(self.book.log, **keep)  # type: ignore[arg-type]
        upkeep.start(self.worker, self.loop)
        return upkeep

    async def until(self, condition: Callable[[], bool]) -> None:
        """Ask in the log's thread, behind whatever it is doing, until it is so."""
        answer = asyncio.Event()
        result: list[bool] = []

        def told(value: bool) -> None:
            result.append(value)
            answer.set()

        while not result or not result[-1]:
            answer.clear()
            self.worker.submit(condition, told, self._failed)
            await answer.wait()

    @staticmethod
    def _failed(error: Exception) -> None:
        raise error


@pytest.fixture
async def watch(book: Logbook, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watch]:
    monkeypatch.setattr(upkeep_module, "LOOK_SECONDS", 0.001)
    watch = Watch(book)
    yield watch
    watch.worker.stop()


async def test_the_index_is_filled_while_it_is_quiet(book: Logbook, watch: Watch) -> None:
    """What was there at the start, and what is told of."""
    book.say(*["words"] * 40)
    upkeep = watch.start()
    await watch.until(lambda: unindexed(book.log.database) == 0)
    book.say(*["words"] * 3)
    await watch.until(lambda: unindexed(book.log.database) == 0)
    upkeep.stop()
    upkeep.stop()


async def test_old_messages_go_page_by_page(book: Logbook, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Down to the number to keep; later again."""
    monkeypatch.setattr(upkeep_module, "PRUNE_PAGE", 7)
    monkeypatch.setattr(upkeep_module, "PRUNE_SECONDS", 0.01)
    book.say(*["words"] * 40)
    upkeep = watch.start(keep_messages=5)
    await watch.until(lambda: left(book) == [36, 37, 38, 39, 40])
    book.say("more", "words")
    await watch.until(lambda: left(book) == [38, 39, 40, 41, 42])
    upkeep.stop()


async def test_messages_go_by_their_age(book: Logbook, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds before now."""
    monkeypatch.setattr("time.time", lambda: TIME / 1000 + 5.5)
    book.say(*["words"] * 3)
    book.time += 5000
    book.say("young")
    upkeep = watch.start(keep_seconds=1)
    await watch.until(lambda: left(book) == [4])
    upkeep.stop()


async def test_a_failure_is_tried_again(
    book: Logbook, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a line in the log."""
    real = fill_index
    calls: list[int] = []

    def fails_once(*arguments: object) -> int:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("disk on fire")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(upkeep_module, "fill_index", fails_once)
    book.say("words")
    upkeep = watch.start()
    await watch.until(lambda: unindexed(book.log.database) == 0)
    assert "disk on fire" in caplog.text
    upkeep.stop()


async def test_nothing_is_done_while_it_is_busy(book: Logbook, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless search would have to scan too much; and never under full load."""
    monkeypatch.setattr(upkeep_module, "UNINDEXED_MAX", 50)
    book.say(*["words"] * 40)
    upkeep = Upkeep(book.log)
    assert upkeep._has_time(0)
    assert not upkeep._has_time(1)
    book.say(*["words"] * 11)
    upkeep = Upkeep(book.log)
    assert upkeep._has_time(1)
    assert not upkeep._has_time(upkeep_module.BUSY_MESSAGES)
