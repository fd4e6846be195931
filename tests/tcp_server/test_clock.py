"""The clock: UTC to the millisecond, made once a millisecond."""

from datetime import UTC, datetime

import pytest

from tcp_server.clock import Clock


def test_a_moment_is_now() -> None:
    """Timestamp and milliseconds say the same."""
    before = datetime.now(UTC)
    moment = Clock().now()
    stated = datetime.fromisoformat(moment.timestamp)
    assert moment.timestamp.endswith("Z")
    assert round(stated.timestamp() * 1000) == moment.millis
    assert abs((stated - before).total_seconds()) < 5


def test_moments_by_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same object within a millisecond; second and millisecond roll over together."""
    nanos = iter(
        [1_795_341_599_998_000_000, 1_795_341_599_998_999_999, 1_795_341_599_999_000_000, 1_795_341_600_000_000_000]
    )
    monkeypatch.setattr("time.time_ns", lambda: next(nanos))
    ticking = Clock()
    moments = [ticking.now() for _ in range(4)]
    assert moments[0] is moments[1]
    assert [moment.timestamp[-13:] for moment in moments[1:]] == ["09:59:59.998Z", "09:59:59.999Z", "10:00:00.000Z"]
