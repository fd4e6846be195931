"""The queue for the one thread that searches: users take turns, and a search that nobody waits for is given up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tcp_server.log.interface import SearchPage, SearchQuery
from tcp_server.log.search import SearchReadings
from tcp_server.log.worker import Worker


@dataclass(eq=False, slots=True)
class _PendingSearch:
    """A search that waits, or runs; `is_given_up` is read by the thread too."""

    query: SearchQuery
    answered: Callable[[SearchPage], None]
    failed: Callable[[Exception], None]
    is_given_up: bool = False


class SearchQueue:
    """Gives searches to the worker one at a time; to be used on the loop.

    Attributes:
        is_busy: a search is with the worker.
    """

    def __init__(self, worker: Worker, readings: SearchReadings) -> None:
        self._worker = worker
        self._readings = readings
        self._waiting: dict[int, deque[_PendingSearch]] = {}  # by uid; the first uid is the next one's
        self._running: _PendingSearch | None = None

    @property
    def is_busy(self) -> bool:
        return self._running is not None

    def add(
        self, query: SearchQuery, answered: Callable[[SearchPage], None], failed: Callable[[Exception], None]
    ) -> Callable[[], None]:
        """Search when it is the user's turn; the returned call gives the search up."""
        search = _PendingSearch(query, answered, failed)
        self._waiting.setdefault(query.viewer.uid, deque()).append(search)
        self._run_next()
        return partial(self._give_up, search)

    def close(self) -> None:
        """Give up all searches."""
        self._waiting.clear()
        if self._running is not None:
            self._running.is_given_up = True

    def _give_up(self, search: _PendingSearch) -> None:
        search.is_given_up = True
        uid = search.query.viewer.uid
        waiting = self._waiting.get(uid)
        if waiting is not None and search in waiting:
            waiting.remove(search)
            if not waiting:
                del self._waiting[uid]

    def _run_next(self) -> None:
        if self._running is not None or not self._waiting:
            return
        uid, waiting = next(iter(self._waiting.items()))
        self._running = search = waiting.popleft()
        del self._waiting[uid]
        if waiting:
            self._waiting[uid] = waiting  # behind the other users
        self._worker.submit(
            lambda: self._readings.search(search.query, lambda: search.is_given_up), self._answered, self._failed
        )

    def _answered(self, page: SearchPage) -> None:
        search = self._take()
        if not search.is_given_up:
            search.answered(page)

    def _failed(self, error: Exception) -> None:
        search = self._take()
        if not search.is_given_up:
            search.failed(error)

    def _take(self) -> _PendingSearch:
        """Return the search that has ended, and begin the next one."""
        search, self._running = self._running, None
        if search is None:
            raise AssertionError("the worker had no search")
        self._run_next()
        return search
