"""Delays between attempts: doubling up to the longest, each cut by up to a half."""

import itertools

import pytest

from tcp_server.net.backoff import backoff


def test_backoff_doubles_up_to_the_longest() -> None:
    """And stays there."""
    longest = backoff(0.1, 5, lambda low, high: high)
    assert list(itertools.islice(longest, 8)) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5])


def test_chance_cuts_each_by_up_to_a_half() -> None:
    """So that many clients don't come back in step."""
    assert next(backoff(0.1, 5, lambda low, high: low)) == pytest.approx(0.05)
    assert all(0.5 <= delay <= 1 for delay in itertools.islice(backoff(1, 1), 100))
