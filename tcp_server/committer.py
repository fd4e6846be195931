"""Commits: each tick's batch goes to the log, one at a time, and back to its owner with the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tcp_server.chat.directory import Changes
from tcp_server.chat.outputs import Draft, Output
from tcp_server.delivery.replays import AnyCatchUp, Caught
from tcp_server.log.interface import AnyReplay, LiveLog, LogUnavailable, Outcome


class Batch(msgspec.Struct, gc=False):
    """One tick: drafts, changes and catch-ups for the log, and the outputs that are to be delivered afterwards."""

    outputs: Sequence[Output]
    drafts: Sequence[Draft]
    changes: Changes | None
    catch_ups: Sequence[AnyCatchUp]


class BatchOwner(Protocol):
    """Is told of a batch's outcomes, on the loop."""

    def stored(self, batch: Batch, outcomes: Sequence[Outcome], caught: Sequence[Caught]) -> None: ...
    def not_stored(self, batch: Batch, error: LogUnavailable) -> None: ...
    def wake(self) -> None: ...


class Committer:
    """Gives the log one batch at a time; to be used on the loop.

    Attributes:
        is_busy: a batch is with the log; its owner is woken when the log is done.
    """

    def __init__(self, log: LiveLog, owner: BatchOwner) -> None:
        self._log = log
        self._owner = owner
        self._batch: Batch | None = None  # the one that is with the log
        self._is_committing = False  # `commit` has not returned yet

    @property
    def is_busy(self) -> bool:
        return self._batch is not None

    def commit(self, batch: Batch) -> None:
        """Store a batch and read the replays that it asks for; the owner is told, maybe before this returns."""
        self._batch, self._is_committing = batch, True
        queries = [catch_up.query for catch_up in batch.catch_ups] if batch.catch_ups else ()
        try:
            self._log.append(batch.drafts, batch.changes, queries, self._stored, self._failed)
        finally:
            self._is_committing = False

    def _stored(self, outcomes: Sequence[Outcome], replays: Sequence[AnyReplay]) -> None:
        batch = self._take()
        try:
            caught = list(zip(batch.catch_ups, replays, strict=True)) if replays else ()
            self._owner.stored(batch, outcomes, caught)
        finally:
            if not self._is_committing:
                self._owner.wake()  # for the outputs that gathered while the log had the batch

    def _failed(self, error: LogUnavailable) -> None:
        batch = self._take()
        try:
            self._owner.not_stored(batch, error)
        finally:
            if not self._is_committing:
                self._owner.wake()

    def _take(self) -> Batch:
        if self._batch is None:
            raise AssertionError("the log answers each batch once")
        batch, self._batch = self._batch, None
        return batch
