"""The comparison with the transcript finds what reading every packet would find."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import payload
from tests.bench.dialects import WebSocket, WordPackets
from tests.bench.payload import Stamp
from tests.bench.transcript import Receiver, Transcript

WP = WordPackets()
PING = WP.frame(b'{"type":"PING"}')


def message(number: int, slot: int = 0, room: int = 0) -> bytes:
    return WP.message("bench0", payload.write(Stamp(room, slot, number, 1_000 + number)))


def receivers(count: int = 2) -> list[Receiver]:
    transcript = Transcript(0, WP.cut)
    return [Receiver(transcript) for _ in range(count)]


def feed(receiver: Receiver, data: bytes, cuts: Iterable[int] = ()) -> list[int]:
    """Give a stream in pieces and return when the messages it completed were sent."""
    heard: list[int] = []
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(places):
        if start < end:
            sent, slots = receiver.take(data[start:end])
            assert len(sent) == len(slots)
            heard += sent
    return heard


STREAM = b"".join(message(number) for number in range(4))


def test_the_second_member_is_compared_with_the_first() -> None:
    first, second = receivers()
    assert feed(first, STREAM) == feed(second, STREAM) == [1_000, 1_001, 1_002, 1_003]
    assert not first.is_alone
    assert not second.is_alone
    assert second.order().lost({0: 4}) == 0


@given(st.lists(st.integers(0, len(STREAM)), max_size=6), st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_reads_may_be_cut_anywhere(cuts: list[int], others: list[int]) -> None:
    """However the streams are cut, each member hears each message once and stays with the transcript."""
    first, second = receivers()
    for receiver, places in ((first, cuts), (second, others)):
        assert feed(receiver, STREAM, places) == [1_000, 1_001, 1_002, 1_003]
        assert not receiver.is_alone


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 300)), max_size=40))
def test_members_may_overtake_each_other(reads: list[tuple[int, int]]) -> None:
    """Whoever is first extends the transcript, in turns and within packets."""
    all_three = receivers(3)
    places = [0, 0, 0]
    for who, size in [*reads, (0, len(STREAM)), (1, len(STREAM)), (2, len(STREAM))]:
        data = STREAM[places[who] : places[who] + size]
        places[who] += len(data)
        if data:
            all_three[who].take(data)
    assert [receiver.heard for receiver in all_three] == [4, 4, 4]
    assert not any(receiver.is_alone for receiver in all_three)


@given(st.integers(0, len(STREAM) + len(PING)))
def test_a_packet_for_one_member_is_set_aside(cut: int) -> None:
    first, second = receivers()
    feed(first, STREAM)
    assert len(feed(second, message(0) + PING + STREAM[len(message(0)) :], [cut])) == 4
    assert second.others == [PING]
    assert not second.is_alone


def test_a_lost_message_is_noticed() -> None:
    first, second = receivers()
    feed(first, STREAM)
    assert len(feed(second, message(0) + message(2) + message(3))) == 3
    assert second.is_alone
    assert second.order().lost({0: 4}) == 1
    assert first.order().lost({0: 4}) == 0


def test_a_message_that_the_first_member_lost_is_noticed() -> None:
    first, second = receivers()
    feed(first, message(0) + message(2) + message(3))
    feed(second, STREAM)
    assert first.order().lost({0: 4}) == 1
    assert second.order().lost({0: 4}) == 0


def test_a_member_that_stays_behind_has_lost_the_rest() -> None:
    first, second = receivers()
    feed(first, STREAM)
    feed(second, STREAM[: len(STREAM) // 2])
    assert not second.is_alone
    assert second.order().lost({0: 4}) == 2


@pytest.mark.parametrize("again", [0, 3])
def test_a_duplicate_is_noticed(again: int) -> None:
    first, second = receivers()
    feed(first, STREAM)
    feed(second, STREAM + message(again))
    assert second.order().duplicates == 1
    assert first.order().duplicates == 0


def test_another_order_is_noticed() -> None:
    first, second = receivers()
    feed(first, STREAM)
    assert feed(second, message(0) + message(2) + message(1) + message(3)) == [1_000, 1_002, 1_001, 1_003]
    assert second.is_alone
    assert second.order().reordered == 1
    assert second.order().lost({0: 4}) == 0


def test_another_order_among_publishers_is_noticed() -> None:
    """Each publisher's messages are in order, but two members see the publishers interleaved differently."""
    first, second = receivers()
    feed(first, message(0) + message(0, slot=1))
    feed(second, message(0, slot=1) + message(0))
    assert second.is_alone
    assert second.order().reordered == 0


def test_a_message_of_another_room_is_noticed() -> None:
    (only,) = receivers(1)
    feed(only, message(0) + message(0, room=1))
    assert only.misrouted == 1
    assert only.heard == 1


def test_a_damaged_message_is_noticed() -> None:
    (only,) = receivers(1)
    text = payload.write(Stamp(0, 0, 0, 1_000))
    feed(only, WP.message("bench0", text[:-10]) + WP.message("bench0", text.replace(b"....", b"..", 1)))
    assert only.damaged == 2
    assert only.heard == 0


def test_websocket_frames_are_cut_like_packets() -> None:
    """Short and long frames, and the answer to the upgrade before them."""
    dialect = WebSocket()
    answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    short, long = b"\x81\x02{}", b"\x81\x7e" + (300).to_bytes(2, "big") + b"x" * 300
    data = answer + short + long
    ends = [len(answer), len(answer) + len(short), len(data)]
    start = 0
    for end in ends:
        for missing in range(start, end):
            assert dialect.cut(data[:missing], start) == 0
        assert dialect.cut(data, start) == end
        start = end
