"""Commits: one batch at a time, and its owner is told in the same turn or woken later."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tcp_server.chat.directory import Changes
from tcp_server.chat.outputs import Draft
from tcp_server.committer import Batch, Committer
from tcp_server.delivery.replays import Caught, LinkCatchUp
from tcp_server.log.interface import AnyReplay, AnyReplayQuery, LinkReplay, LinkReplayQuery, LogUnavailable, Outcome
from tests.tcp_server.logbook import Drafts
from tests.tcp_server.memory_log import MemoryLog


class NotingOwner:
    """Notes what it is told, and fails if that is wanted."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.caught: list[Caught] = []
        self.error: Exception | None = None

    def stored(self, batch: Batch, outcomes: Sequence[Outcome], caught: Sequence[Caught]) -> None:
        self.told.append(f"stored {list(outcomes)}")
        self.caught += caught
        if self.error is not None:
            raise self.error

    def not_stored(self, batch: Batch, error: LogUnavailable) -> None:
        self.told.append(f"not stored: {error}")

    def wake(self) -> None:
        self.told.append("wake")


class LateLog(MemoryLog):
    """Stores a batch when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.store: Callable[[], None] = lambda: None

    def append(
        self,
        drafts: Sequence[Draft],
        changes: Changes | None,
        queries: Sequence[AnyReplayQuery],
        stored: Callable[[Sequence[Outcome], Sequence[AnyReplay]], None],
        failed: Callable[[LogUnavailable], None],
    ) -> None:
        self.store = lambda: MemoryLog.append(self, drafts, changes, queries, stored, failed)


def batch(*messages: str, catch_ups: Sequence[Any] = ()) -> Batch:
    drafts = Drafts()
    return Batch((), [drafts.draft(message) for message in messages], None, catch_ups)


def test_a_batch_that_is_stored_at_once() -> None:
    """Nobody is woken: the tick that gave the batch goes on."""
    owner = NotingOwner()
    committer = Committer(MemoryLog(), owner)
    committer.commit(batch("one", "two"))
    assert (owner.told, committer.is_busy) == (["stored [1, 2]"], False)


def test_a_batch_that_is_stored_later() -> None:
    """The owner is woken for what gathered meanwhile."""
    owner, log = NotingOwner(), LateLog()
    committer = Committer(log, owner)
    committer.commit(batch("one"))
    assert (owner.told, committer.is_busy) == ([], True)
    log.store()
    assert (owner.told, committer.is_busy) == (["stored [1]", "wake"], False)


def test_a_batch_that_is_not_stored() -> None:
    """At once or later."""
    owner, log = NotingOwner(), LateLog()
    log.error = LogUnavailable("full")
    committer = Committer(log, owner)
    committer.commit(batch("one"))
    log.store()
    assert (owner.told, committer.is_busy) == (["not stored: full", "wake"], False)
    at_once = MemoryLog()
    at_once.error = LogUnavailable("full")
    Committer(at_once, owner).commit(batch("one"))
    assert owner.told[2:] == ["not stored: full"]


def test_each_replay_comes_with_its_catch_up() -> None:
    """In the order of asking, from after the batch."""
    owner = NotingOwner()
    catch_ups = [LinkCatchUp(None, LinkReplayQuery(after, 10)) for after in (0, 1)]  # type: ignore[arg-type]
    Committer(MemoryLog(), owner).commit(batch("one", "two", catch_ups=catch_ups))
    assert [catch_up for catch_up, _ in owner.caught] == catch_ups
    replays = [replay for _, replay in owner.caught if isinstance(replay, LinkReplay)]
    assert [len(replay.entries) for replay in replays] == [2, 1]


def test_an_owner_that_fails() -> None:
    """It gets its own error, and the next batch can be given."""
    owner, log = NotingOwner(), LateLog()
    owner.error = KeyError("bug")
    committer = Committer(log, owner)
    committer.commit(batch("one"))
    with pytest.raises(KeyError):
        log.store()
    assert (owner.told, committer.is_busy) == (["stored [1]", "wake"], False)
    at_once = Committer(MemoryLog(), owner)
    with pytest.raises(KeyError):
        at_once.commit(batch("one"))
    owner.error = None
    at_once.commit(batch("two"))
    assert (owner.told[2:], at_once.is_busy) == (["stored [1]", "stored [2]"], False)
