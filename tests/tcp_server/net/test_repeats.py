"""Repeated log lines: one a second of each kind, with a count."""

import logging

import pytest

from tcp_server.net.repeats import KINDS_MAX, RepeatFilter, limit_repeats


class Scene:
    """A logger with the filter, whose clock is the test's."""

    def __init__(self) -> None:
        self.now = 100.0
        self.filter = RepeatFilter(lambda: self.now)

    def log(self, text: str, *args: object, level: int = logging.WARNING) -> str | None:
        """Return the line, if there is one."""
        record = logging.LogRecord("log", level, __file__, 1, text, args, None)
        return record.getMessage() if self.filter.filter(record) else None


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_one_a_second_of_a_kind(scene: Scene) -> None:
    """Whatever the arguments are; the next line says how many there were."""
    assert scene.log("no: %s", "100 % full") == "no: 100 % full"
    for _ in range(1_000):
        assert scene.log("no: %s", "still full") is None
    assert scene.log("no: %s", "x", level=logging.ERROR) == "no: x"
    assert scene.log("another") == "another"
    scene.now += 1.0
    assert scene.log("no: %s", "100 % full") == "no: 100 % full (and 1000 more like this)"
    scene.now += 1.0
    assert scene.log("no: %s", "again") == "no: again"


def test_kinds_are_bounded(scene: Scene) -> None:
    """A library may make its lines as it likes."""
    for number in range(3 * KINDS_MAX):
        assert scene.log(f"line {number}") is not None
    assert len(scene.filter._kinds) <= KINDS_MAX


def test_every_handler_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the root logger that write to a stream."""
    ours, other = logging.StreamHandler(), logging.NullHandler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [ours, other])
    limit_repeats()
    assert [type(each) for each in ours.filters] == [RepeatFilter]
    assert other.filters == []
