"""The queue of searches, with a worker that works when the test says so."""

from collections.abc import Callable
from typing import Any

import pytest

from tcp_server.log.interface import SearchPage, SearchQuery, Viewer
from tcp_server.log.search import SearchGivenUp
from tcp_server.log.search_queue import SearchQueue


class SlowWorker:
    """Keeps the jobs."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], Any], Callable[[Any], None], Callable[[Exception], None]]] = []

    def submit(self, *job: Any) -> None:
        self.jobs.append(job)

    def work(self) -> None:
        """Do the one job that there is."""
        ((job, done, failed),) = self.jobs
        self.jobs.clear()
        try:
            result = job()
        except Exception as error:
            failed(error)
        else:
            done(result)


class NotingReadings:
    """Notes what is searched; the hits are the words."""

    def __init__(self) -> None:
        self.searched: list[str] = []

    def search(self, query: SearchQuery, is_given_up: Callable[[], bool]) -> SearchPage:
        if is_given_up():
            raise SearchGivenUp
        self.searched += query.words
        if query.words == ("fail",):
            raise OSError
        return [word.encode() for word in query.words], None


class Scene:
    def __init__(self) -> None:
        self.worker, self.readings = SlowWorker(), NotingReadings()
        self.queue = SearchQueue(self.worker, self.readings)  # type: ignore[arg-type]
        self.heard: list[object] = []

    def ask(self, uid: int, word: str) -> Callable[[], None]:
        query = SearchQuery(Viewer(uid, ()), (word,), True, 99)
        return self.queue.add(query, lambda page: self.heard.append(page[0]), self.heard.append)

    def work(self) -> None:
        while self.worker.jobs:
            self.worker.work()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_users_take_turns(scene: Scene) -> None:
    """One search of a user, then one of the next."""
    for number in range(3):
        scene.ask(1, f"a{number}")
    scene.ask(2, "b0")
    scene.ask(3, "c0")
    scene.ask(2, "b1")
    scene.work()
    assert scene.readings.searched == ["a0", "a1", "b0", "c0", "a2", "b1"]
    assert scene.heard[:2] == [[b"a0"], [b"a1"]]
    assert not scene.queue.is_busy


def test_searches_that_are_given_up(scene: Scene) -> None:
    """The running one ends, a waiting one never begins, an answered one isn't there."""
    running, waiting, other = scene.ask(1, "a0"), scene.ask(1, "a1"), scene.ask(2, "b0")
    scene.ask(2, "b1")
    running()
    waiting()
    other()
    other()
    scene.work()
    assert (scene.readings.searched, scene.heard) == (["b1"], [[b"b1"]])
    other()


def test_a_given_up_search_that_has_run(scene: Scene) -> None:
    """Nobody hears of its hits, or of its failure."""
    for word in ("hit", "fail"):
        given_up = scene.ask(1, word)
        ((_, done, failed),) = scene.worker.jobs
        scene.worker.jobs.clear()
        given_up()
        if word == "hit":
            done(([b"x"], None))
        else:
            failed(OSError())
    assert scene.heard == []


def test_a_search_that_fails(scene: Scene) -> None:
    """Its asker is told, and the next one runs."""
    scene.ask(1, "fail")
    scene.ask(1, "next")
    scene.work()
    assert isinstance(scene.heard[0], OSError)
    assert scene.heard[1:] == [[b"next"]]


def test_the_end(scene: Scene) -> None:
    """All are given up."""
    scene.ask(1, "a0")
    scene.ask(1, "a1")
    scene.queue.close()
    scene.work()
    scene.queue.close()
    assert (scene.readings.searched, scene.heard) == ([], [])
