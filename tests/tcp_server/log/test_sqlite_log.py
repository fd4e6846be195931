"""The log in SQLite: commits on the loop where nothing makes them wait, in the writer's thread where something may."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tcp_server.chat.directory import Changes
from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Room, Session, User
from tcp_server.log import sqlite_log as log_module
from tcp_server.log import writer as writer_module
from tcp_server.log.database import FILE_NAME, checkpoint
from tcp_server.log.interface import AnyReplay, LogUnavailable, Outcome, PageQuery, SearchQuery, Viewer
from tcp_server.log.sqlite_log import SqliteLog
from tcp_server.protocol.entries import MSG

PAGE_BYTES = 4_096


class Desk:
    """A log, and what it told of each batch; `where` says in which thread each batch was appended."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, full_sync: bool = False) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.where: list[str] = []
        self.log = SqliteLog(folder, asyncio.get_running_loop(), full_sync=full_sync)
        self.writer = self.log._writer
        self.worker = self.log._write_worker
        self._given = 0
        self._late = asyncio.Event()
        append = self.writer.append

        def noted(*arguments: object) -> list[Outcome]:
            self.where.append(threading.current_thread().name)
            return append(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(self.writer, "append", noted)
        monkeypatch.setattr(log_module, "STALL_SECONDS", 60.0)  # a busy machine's disk may stall

    def commit(self, topic: str = "tea", *drafts: Draft) -> None:
        """Give a batch; without a topic, the drafts alone."""
        self._given += 1
        changes = Changes({"room": ("Room", topic)}, {}) if topic else None
        self.log.append(drafts, changes, (), self._stored, self._failed)

    def _stored(self, outcomes: Sequence[Outcome], replays: Sequence[AnyReplay]) -> None:
        self.told.append("stored")
        self._late.set()

    def _failed(self, error: LogUnavailable) -> None:
        self.told.append(f"not stored: {error}")
        self._late.set()

    @property
    def is_busy(self) -> bool:
        return len(self.told) < self._given

    async def finish(self) -> None:
        """Wait until the log told what became of every batch."""
        while self.is_busy:
            self._late.clear()
            await self._late.wait()

    async def checkpointed(self) -> None:
        """Wait for the checkpoints that are under way."""
        if self.log._checkpoint_worker.unfinished:
            done = asyncio.Event()
            self.log._checkpoint_worker.submit(lambda: None, lambda _: done.set(), lambda _: None)
            await done.wait()

    def close(self) -> None:
        self.log.close()


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, monkeypatch)
    yield desk
    desk.close()


async def test_a_commit_needs_no_thread(desk: Desk) -> None:
    """`stored` is called before `append` returns."""
    desk.commit()
    assert (desk.told, desk.is_busy) == (["stored"], False)
    assert desk.where == ["MainThread"]
    assert desk.log.rooms()[0].topic == "tea"


async def test_one_that_waits_for_the_disk_goes_to_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--sync full`: each of them."""
    desk = Desk(tmp_path, monkeypatch, full_sync=True)
    desk.commit()
    assert (desk.told, desk.is_busy) == ([], True)
    await desk.finish()
    assert (desk.told, desk.is_busy, desk.where) == (["stored"], False, ["log-writer"])
    desk.close()


async def test_while_the_thread_is_at_something(desk: Desk) -> None:
    """The log has one user at a time."""
    go_on = threading.Event()
    desk.worker.submit(go_on.wait, lambda _: None, lambda _: None)
    desk.commit()
    assert desk.told == []
    go_on.set()
    await desk.finish()
    assert desk.where == ["log-writer"]
    desk.commit()
    assert desk.where == ["log-writer", "MainThread"]


async def test_another_program_holds_the_database(desk: Desk) -> None:
    """The loop goes on while the thread waits for it; then nothing is lost."""
    other = sqlite3.connect(desk.folder / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    desk.commit()
    assert (desk.told, desk.is_busy) == ([], True)
    await asyncio.sleep(0.05)
    assert desk.told == []
    other.execute("COMMIT")
    other.close()
    await desk.finish()
    assert (desk.told, desk.where) == (["stored"], ["MainThread", "log-writer"])


async def test_a_message_alone_waits_for_it_too(desk: Desk) -> None:
    """It is one INSERT without a transaction around it; in the end it is there once."""
    desk.commit()
    session = Session(None)
    draft = Draft(MSG, session, User(1, "alice", "alice"), 0, b'"message":"hi"}', Room("room", "Room"), ref="r")
    other = sqlite3.connect(desk.folder / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    desk.commit("", draft)
    other.execute("COMMIT")
    assert desk.told == ["stored"]
    await desk.finish()
    assert (desk.told, desk.where) == (["stored"] * 2, ["MainThread"] * 2 + ["log-writer"])
    assert other.execute("SELECT id, ref, body FROM entry").fetchall() == [(1, "r", '"message":"hi"}')]
    other.close()
    desk.commit("", draft)
    assert desk.log.newest == 1


async def test_another_program_holds_it_for_too_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the batch is refused."""
    monkeypatch.setattr(writer_module, "BUSY_MSEC", 10)
    other = sqlite3.connect(desk.folder / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    desk.commit()
    await desk.finish()
    other.execute("ROLLBACK")
    other.close()
    assert desk.told == ["not stored: database is locked"]
    desk.commit()
    assert desk.told[-1] == "stored"


async def test_a_disk_that_stalls(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One commit that took long sends the next ones to the thread, for a while."""
    seconds = 100.0
    append = desk.writer.append

    def append_slowly(*batch: object) -> list[Outcome]:
        nonlocal seconds
        seconds += 0.2
        return append(*batch)  # type: ignore[arg-type]

    monkeypatch.setattr(log_module, "monotonic", lambda: seconds)
    monkeypatch.setattr(log_module, "STALL_SECONDS", 0.1)
    with monkeypatch.context() as slow:
        slow.setattr(desk.writer, "append", append_slowly)
        desk.commit()
    assert "the disk stalls: 0.2 s for a commit" in caplog.text
    desk.commit()
    await desk.finish()
    seconds += log_module.THREAD_SECONDS
    desk.commit()
    assert desk.where == ["MainThread", "log-writer", "MainThread"]
    assert desk.told == ["stored"] * 3


async def test_a_fault_of_ours(desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """On the loop or in the thread: the senders are told, and the program's log has the traceback."""

    def fail(*_: object) -> None:
        raise KeyError("bug")

    with monkeypatch.context() as broken:
        broken.setattr(desk.writer, "append", fail)
        desk.commit()
        desk.worker.submit(lambda: None, lambda _: None, lambda _: None)
        desk.commit()
        await desk.finish()
    assert desk.told == ["not stored: internal error"] * 2
    assert caplog.text.count("KeyError: 'bug'") == 2


async def test_the_write_ahead_log_stays_short(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are made beside the commits, which then begin it anew."""
    monkeypatch.setattr(log_module, "HASTY_PAGES", 100)
    monkeypatch.setattr(log_module, "PAGES_MAX", 300)
    wal = desk.folder / f"{FILE_NAME}-wal"
    for number in range(2_000):
        desk.commit(f"topic {number}")
        await desk.finish()
        await desk.checkpointed()
    assert desk.where.count("MainThread") > 1_000
    assert wal.stat().st_size < 1_000 * PAGE_BYTES
    assert desk.log.rooms()[0].topic == "topic 1999"


async def test_commits_wait_once_for_a_long_write_ahead_log(desk: Desk) -> None:
    """Then it is begun anew."""
    for number in range(20):
        desk.commit(f"topic {number}")
    desk.log._checked(log_module.PAGES_MAX + 1)
    desk.commit("while the thread brings it in")
    await desk.finish()
    assert desk.where[-2:] == ["MainThread", "log-writer"]
    assert checkpoint(desk.writer.database) < 20


async def test_without_checkpoints_it_would_not(desk: Desk) -> None:
    """What the test above relies on: each commit leaves a page at least."""
    for number in range(1_000):
        desk.commit(f"topic {number}")
    assert (desk.folder / f"{FILE_NAME}-wal").stat().st_size > 1_000 * PAGE_BYTES


async def test_a_page_behind_a_slow_search(desk: Desk) -> None:
    """Each has its thread."""
    go_on, answered = threading.Event(), asyncio.Event()
    failures: list[Exception] = []
    desk.log._search_worker.submit(go_on.wait, lambda _: None, failures.append)
    desk.log.search(SearchQuery(Viewer(1, ()), ("x",), True, 9), lambda _: None, failures.append)
    desk.log.page(PageQuery(room="tea"), lambda _: answered.set(), failures.append)
    await answered.wait()
    assert desk.log._search_worker.unfinished == 2
    go_on.set()
    assert failures == []


async def test_a_page_that_cant_be_read(desk: Desk) -> None:
    """The asker is told why."""
    failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    desk.writer.database.execute("DROP TABLE direct")
    desk.log.page(PageQuery(uid=1, nickname="bob"), lambda _: None, failed.set_result)
    assert "no such table" in str(await failed)
