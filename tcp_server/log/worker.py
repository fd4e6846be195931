"""A thread that does one thing after the other for the event loop, which never waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")
_Job: TypeAlias = tuple[Callable[[], Any], Callable[[Any], None], Callable[[Exception], None]]


class Worker:
    """Runs jobs in the order of submission; each result comes back on the loop.

    Attributes:
        unfinished: how many jobs have not brought back their result; while there are none, the thread touches nothing.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.unfinished = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(
        self, job: Callable[[], Result], done: Callable[[Result], None], failed: Callable[[Exception], None]
    ) -> None:
        """Run `job` in the thread; `done` gets its result on the loop, or `failed` its error."""
        self.unfinished += 1
        self._jobs.put((job, done, failed))

    def stop(self) -> None:
        """Finish the jobs that were submitted and end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._jobs.get()) is not None:
            job, done, failed = work
            try:
                result = job()
            except Exception as error:  # any error belongs to the submitter
                self._loop.call_soon_threadsafe(self._finish, failed, error)
            else:
                self._loop.call_soon_threadsafe(self._finish, done, result)
            del work, job, done, failed

    def _finish(self, callback: Callable[[Any], None], result: Any) -> None:
        self.unfinished -= 1
        callback(result)
