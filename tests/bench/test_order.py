"""Loss, duplicates and order are seen when they are put in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.order import Order

SENT = {0: 5, 1: 3}


def hear(*messages: tuple[int, int]) -> Order:
    order = Order()
    for publisher, number in messages:
        order.hear(publisher, number)
    return order


def all_messages() -> list[tuple[int, int]]:
    return [(publisher, number) for publisher, count in SENT.items() for number in range(count)]


def test_all_once_and_in_order_is_no_fault() -> None:
    order = hear(*all_messages())
    assert (order.lost(SENT), order.duplicates, order.reordered, order.heard) == (0, 0, 0, 8)


def test_loss_in_the_middle_at_the_end_and_of_a_whole_publisher() -> None:
    assert hear((0, 0), (0, 2), (0, 3), (0, 4), (1, 0), (1, 1), (1, 2)).lost(SENT) == 1
    assert hear((0, 0), (0, 1), (1, 0), (1, 1), (1, 2)).lost(SENT) == 3
    assert hear(*((0, number) for number in range(5))).lost(SENT) == 3


def test_a_duplicate_is_not_counted_as_heard() -> None:
    order = hear(*all_messages(), (0, 4), (1, 0))
    assert (order.duplicates, order.reordered, order.heard, order.lost(SENT)) == (2, 0, 8, 0)


def test_a_late_message_is_reordered_and_not_lost() -> None:
    order = hear((0, 1), (0, 0), (0, 2), (0, 4), (0, 3), (1, 0), (1, 1), (1, 2))
    assert (order.reordered, order.duplicates, order.lost(SENT)) == (2, 0, 0)


def test_a_late_message_that_comes_twice_is_a_duplicate_too() -> None:
    order = hear((0, 1), (0, 0), (0, 0))
    assert (order.reordered, order.duplicates) == (1, 1)


@given(st.lists(st.sampled_from(all_messages()), max_size=30))
def test_every_arrival_is_either_new_or_a_duplicate(messages: list[tuple[int, int]]) -> None:
    """Whatever comes in whatever order: heard is what is different, and lost is the rest."""
    order = hear(*messages)
    assert order.heard == len(set(messages))
    assert order.duplicates == len(messages) - order.heard
    assert order.lost(SENT) == sum(SENT.values()) - order.heard
