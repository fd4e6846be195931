"""Commits: on the loop where nothing makes them wait, in the log's thread where something may."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tcp_server import committer as committer_module
from tcp_server.chat.directory import Changes
from tcp_server.chat.state import Draft, Room, Session, User
from tcp_server.committer import Batch, Committer
from tcp_server.delivery.delivery import Caught
from tcp_server.log import log as log_module
from tcp_server.log.database import FILE_NAME, checkpoint
from tcp_server.log.log import Log, LogUnavailable, Outcome

PAGE_BYTES = 4_096


class Owner:
    """Notes what it is told, and whether its turn came while it waited."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.woken = asyncio.Event()

    def stored(self, batch: Batch, outcomes: Sequence[Outcome], caught: Sequence[Caught]) -> None:
        self.told.append("stored")

    def not_stored(self, batch: Batch, error: LogUnavailable) -> None:
        self.told.append(f"not stored: {error}")

    def wake(self) -> None:
        self.woken.set()


class Desk:
    """A committer with its log and its owner; `where` tells in which thread each batch was appended."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, full_sync: bool = False) -> None:
        self.folder = folder
        self.owner = Owner()
        self.log = Log(folder, full_sync=full_sync)
        self.committer = Committer(self.log, self.owner, asyncio.get_running_loop())
        self.where: list[str] = []
        append = self.log.append

        def noted(*arguments: object) -> list[Outcome]:
            self.where.append(threading.current_thread().name)
            return append(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(self.log, "append", noted)

    def commit(self, topic: str = "tea") -> None:
        self.committer.commit(Batch((), (), Changes({"room": ("Room", topic)}, {}), ()))

    async def finish(self) -> None:
        await self.owner.woken.wait()
        self.owner.woken.clear()

    def close(self) -> None:
        self.committer.stop()
        self.log.close()


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, monkeypatch)
    yield desk
    desk.close()


async def test_a_commit_needs_no_thread(desk: Desk) -> None:
    """Its owner is told before `commit` returns."""
    desk.commit()
    assert (desk.owner.told, desk.committer.is_busy) == (["stored"], False)
    assert desk.where == ["MainThread"]
    assert desk.log.rooms()[0].topic == "tea"


async def test_one_that_waits_for_the_disk_goes_to_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--sync full`: each of them."""
    desk = Desk(tmp_path, monkeypatch, full_sync=True)
    desk.commit()
    assert (desk.owner.told, desk.committer.is_busy) == ([], True)
    await desk.finish()
    assert (desk.owner.told, desk.committer.is_busy, desk.where) == (["stored"], False, ["log-writer"])
    desk.close()


async def test_while_the_thread_is_at_something(desk: Desk) -> None:
    """The log has one user at a time."""
    go_on = threading.Event()
    desk.committer.worker.submit(go_on.wait, lambda _: None, lambda _: None)
    desk.commit()
    assert desk.owner.told == []
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
    assert (desk.owner.told, desk.committer.is_busy) == ([], True)
    await asyncio.sleep(0.05)
    assert desk.owner.told == []
    other.execute("COMMIT")
    other.close()
    await desk.finish()
    assert (desk.owner.told, desk.where) == (["stored"], ["MainThread", "log-writer"])


async def test_a_message_alone_waits_for_it_too(desk: Desk) -> None:
    """It is one INSERT without a transaction around it; in the end it is there once."""
    desk.commit()
    session = Session(None, {})
    draft = Draft(session, User(1, "alice", "alice"), 0, b'"message":"hi"}', Room("room", "Room"), ref="r")
    other = sqlite3.connect(desk.folder / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    desk.committer.commit(Batch((draft,), (draft,), None, ()))
    other.execute("COMMIT")
    assert desk.owner.told == ["stored"]
    await desk.finish()
    assert (desk.owner.told, desk.where) == (["stored"] * 2, ["MainThread"] * 2 + ["log-writer"])
    assert other.execute("SELECT id, ref, body FROM entry").fetchall() == [(1, "r", '"message":"hi"}')]
    other.close()
    desk.committer.commit(Batch((draft,), (draft,), None, ()))
    assert desk.log.newest == 1


async def test_another_program_holds_it_for_too_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the batch is refused."""
    monkeypatch.setattr(log_module, "BUSY_MSEC", 10)
    other = sqlite3.connect(desk.folder / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    desk.commit()
    await desk.finish()
    other.execute("ROLLBACK")
    other.close()
    assert desk.owner.told == ["not stored: database is locked"]
    desk.commit()
    assert desk.owner.told[-1] == "stored"


async def test_a_disk_that_stalls(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One commit that took long sends the next ones to the thread, for a while."""
    with monkeypatch.context() as slow:
        slow.setattr(committer_module, "THREAD_SECONDS", 0.05)
        append = desk.log.append
        slow.setattr(desk.log, "append", lambda *batch: (time.sleep(0.12), append(*batch))[1])
        desk.commit()
    assert "the disk stalls: 0.1 s for a commit" in caplog.text
    desk.commit()
    await desk.finish()
    await asyncio.sleep(0.06)
    desk.commit()
    assert desk.where == ["MainThread", "log-writer", "MainThread"]
    assert desk.owner.told == ["stored"] * 3


async def test_a_fault_of_ours(desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """On the loop or in the thread: the senders are told, and the program's log has the traceback."""

    def fail(*_: object) -> None:
        raise KeyError("bug")

    with monkeypatch.context() as broken:
        broken.setattr(desk.log, "append", fail)
        desk.commit()
        desk.committer.worker.submit(lambda: None, lambda _: None, lambda _: None)
        desk.commit()
        await desk.finish()
    assert desk.owner.told == ["not stored: internal error"] * 2
    assert caplog.text.count("KeyError: 'bug'") == 2


async def test_the_write_ahead_log_stays_short(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are made beside the commits; where these are too many for that, they wait for one."""
    monkeypatch.setattr(committer_module, "HASTY_PAGES", 100)
    monkeypatch.setattr(committer_module, "PAGES_MAX", 300)
    wal = desk.folder / f"{FILE_NAME}-wal"
    for number in range(2_000):
        desk.commit(f"topic {number}")
        if desk.committer.is_busy:
            await desk.finish()
        await asyncio.sleep(0)
    assert desk.where.count("MainThread") > 1_000
    assert wal.stat().st_size < 1_000 * PAGE_BYTES
    assert desk.log.rooms()[0].topic == "topic 1999"


async def test_commits_wait_once_for_a_long_write_ahead_log(desk: Desk) -> None:
    """Then it is begun anew."""
    for number in range(20):
        desk.commit(f"topic {number}")
    desk.committer._checked(committer_module.PAGES_MAX + 1)
    desk.commit("while the thread brings it in")
    await desk.finish()
    assert desk.where[-2:] == ["MainThread", "log-writer"]
    assert checkpoint(desk.log.database) < 20


def test_a_checkpoint_that_cant_be_made(caplog: pytest.LogCaptureFixture) -> None:
    """It is put off to the next one."""
    database = sqlite3.connect(":memory:")
    database.close()
    assert checkpoint(database) == 0
    assert "no checkpoint can be made" in caplog.text


async def test_without_checkpoints_it_would_not(desk: Desk) -> None:
    """What the test above relies on: each commit leaves a page at least."""
    for number in range(1_000):
        desk.commit(f"topic {number}")
    assert (desk.folder / f"{FILE_NAME}-wal").stat().st_size > 1_000 * PAGE_BYTES
