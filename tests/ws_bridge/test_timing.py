"""The bridge's timeouts, as values."""

from ws_bridge.timing import Timing


def test_looks_are_counted_in_sweeps() -> None:
    """Each browser is looked at in every tenth sweep, pinged at the third look and dropped at the sixth."""
    timing = Timing()
    assert (timing.sweeps_per_look, timing.looks_until_ping, timing.looks_until_dead) == (10, 3, 6)


def test_a_dead_browser_was_pinged_before() -> None:
    """However short the times are: a sweep has a look, and the look that drops follows the one that pings."""
    timing = Timing(sweep=1.0, look=0.1, ping=0.01, dead=0.01)
    assert (timing.sweeps_per_look, timing.looks_until_ping, timing.looks_until_dead) == (1, 1, 2)
