"""When upkeep is done: the index grows while the log is quiet, and sooner when it must; old messages go by pages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tcp_server.log import schedule as schedule_module
from tcp_server.log import search as search_module
from tcp_server.log.schedule import UpkeepSchedule
from tcp_server.log.search import fill_index, unindexed
from tcp_server.log.upkeep import SqliteUpkeep
from tcp_server.log.worker import Worker
from tests.tcp_server.logbook import TIME, Logbook


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Logbook]:
    book = Logbook(tmp_path)
    yield book
    book.close()


def left(book: Logbook) -> list[int]:
    return [id for (id,) in book.writer.database.execute("SELECT id FROM entry ORDER BY id")]


class Watch:
    """Runs a schedule in the loop and waits for what it does."""

    def __init__(self, book: Logbook) -> None:
        self.book = book
        self.loop = asyncio.get_running_loop()
        self.worker = Worker("log-writer", self.loop)

    def start(self, **keep: float) -> UpkeepSchedule:
        writer = self.book.writer
        upkeep = SqliteUpkeep(writer)
        return UpkeepSchedule(upkeep, lambda: writer.newest, self.worker, self.loop, **keep)  # type: ignore[arg-type]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Ask in the log's thread, after its present job, until the condition holds."""
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
    monkeypatch.setattr(schedule_module, "LOOK_SECONDS", 0.001)
    watch = Watch(book)
    yield watch
    watch.worker.stop()


async def test_the_index_is_filled_while_it_is_quiet(book: Logbook, watch: Watch) -> None:
    """With the messages of the start, and with later ones."""
    book.say(*["words"] * 40)
    schedule = watch.start()
    await watch.until(lambda: unindexed(book.writer.database) == 0)
    book.say(*["words"] * 3)
    await watch.until(lambda: unindexed(book.writer.database) == 0)
    schedule.stop()
    schedule.stop()


async def test_old_messages_go_page_by_page(book: Logbook, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Down to the number to keep; later again."""
    monkeypatch.setattr(schedule_module, "PRUNE_PAGE", 7)
    monkeypatch.setattr(schedule_module, "PRUNE_SECONDS", 0.01)
    book.say(*["words"] * 40)
    schedule = watch.start(keep_messages=5)
    await watch.until(lambda: left(book) == [36, 37, 38, 39, 40])
    book.say("more", "words")
    await watch.until(lambda: left(book) == [38, 39, 40, 41, 42])
    schedule.stop()


async def test_messages_go_by_their_age(book: Logbook, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds before now."""
    monkeypatch.setattr("time.time", lambda: TIME / 1000 + 5.5)
    book.say(*["words"] * 3)
    book.time += 5000
    book.say("young")
    schedule = watch.start(keep_seconds=1)
    await watch.until(lambda: left(book) == [4])
    schedule.stop()


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

    monkeypatch.setattr(search_module, "fill_index", fails_once)
    book.say("words")
    schedule = watch.start()
    await watch.until(lambda: unindexed(book.writer.database) == 0)
    assert "disk on fire" in caplog.text
    schedule.stop()


async def test_nothing_is_done_while_it_is_busy(book: Logbook, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless search would have to scan too much; and never under full load."""
    monkeypatch.setattr(schedule_module, "UNINDEXED_MAX", 50)
    book.say(*["words"] * 40)
    schedule = watch.start()
    assert schedule._has_time(0)
    assert not schedule._has_time(1)
    schedule.stop()
    book.say(*["words"] * 11)
    schedule = watch.start()
    assert schedule._has_time(1)
    assert not schedule._has_time(schedule_module.BUSY_MESSAGES)
    schedule.stop()
