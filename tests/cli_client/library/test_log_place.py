"""The place in the log by values: which message is new, and where a hole is (PROTOCOL.md section 5)."""

import pytest

from cli_client.library import log_place
from cli_client.library.log_place import LogPlace
from tcp_server.protocol.server_packets import Gap


def test_only_an_echo_may_come_out_of_order() -> None:
    """Another message at or below the cursor is a repetition."""
    place = LogPlace("e1", 5)
    assert place.take(6, is_echo=False)
    assert not place.take(6, is_echo=False)
    assert not place.take(6, is_echo=True)
    assert not place.take(3, is_echo=False)
    assert place.take(3, is_echo=True)
    assert not place.take(3, is_echo=True)
    assert place.after == 6


def test_few_ids_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten first."""
    monkeypatch.setattr(log_place, "SEEN_MAX", 2)
    place = LogPlace()
    assert all(place.take(number, is_echo=False) for number in (1, 2, 3))
    assert [place.take(number, is_echo=True) for number in (3, 2, 1)] == [False, False, True]


def test_pong_moves_the_cursor_forward_only() -> None:
    """And not before READY has set it."""
    place = LogPlace()
    place.reach(9)
    assert place.after is None
    place = LogPlace("e1", 5)
    for number in (4, 7):
        place.reach(number)
    assert place.after == 7


def test_a_gap_skips_to_its_end() -> None:
    """The message after the hole is the next one, and ids from before it count anew."""
    place = LogPlace("e1", 5)
    place.take(6, is_echo=False)
    place.skip_to(90)
    assert place.after == 89
    assert place.take(6, is_echo=True)


@pytest.mark.parametrize(("epoch", "after"), [("e1", 5), ("e2", 0)])
def test_a_resume_stays_in_its_log(epoch: str, after: int) -> None:
    """In another log it begins at 0, and a GAP follows."""
    place = LogPlace("e1", 5)
    place.resume(epoch)
    assert (place.epoch, place.after) == (epoch, after)


@pytest.mark.parametrize(
    ("place", "gap"),
    [
        (LogPlace(), None),
        (LogPlace("e1", 9), None),
        (LogPlace("e1", 5), Gap(after=5, id=10)),
        (LogPlace("e0", 9), Gap(after=0, id=10)),
    ],
)
def test_without_a_resume_the_messages_since_are_a_hole(place: LogPlace, gap: Gap | None) -> None:
    """None at the first time or if there were no messages; all of them in another log."""
    assert place.begin("e1", 9) == gap
    assert (place.epoch, place.after) == ("e1", 9)
