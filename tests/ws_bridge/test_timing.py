"""The bridge's timeouts, as values."""

import itertools

import pytest

from ws_bridge.timing import Timing, backoff


def test_backoff() -> None:
    """From 0.1 s, doubling to 5 s, and each cut by up to a half."""
    most = backoff(Timing(), lambda low, high: high)
    assert list(itertools.islice(most, 8)) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5])
    least = backoff(Timing(), lambda low, high: low)
    assert next(least) == pytest.approx(0.05)


def test_looks_are_counted_in_sweeps() -> None:
    """Each browser is looked at in every tenth sweep, pinged at the third look and dropped at the sixth."""
    timing = Timing()
    assert (timing.sweeps_per_look, timing.looks_until_ping, timing.looks_until_dead) == (10, 3, 6)


def test_a_dead_browser_was_pinged_before() -> None:
    """However short the times are: a sweep has a look, and the look that drops follows the one that pings."""
    timing = Timing(sweep=1.0, look=0.1, ping=0.01, dead=0.01)
    assert (timing.sweeps_per_look, timing.looks_until_ping, timing.looks_until_dead) == (1, 1, 2)
