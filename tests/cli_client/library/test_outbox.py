"""The outbox: order, refs, what is tried again and when (PROTOCOL.md section 5)."""

import itertools

import msgspec
import pytest

from cli_client.library.asking import ASKED_MAX, REF_BYTES, random_ref
from cli_client.library.outbox import (
    POSTPONE_MAX_SECONDS,
    POSTPONE_MIN_SECONDS,
    WINDOW_MAX,
    Outbox,
    Outgoing,
    OutgoingState,
)


@pytest.fixture
def outbox() -> Outbox:
    numbers = itertools.count(1)
    return Outbox(lambda: f"r{next(numbers)}")


def refs(entries: list[Outgoing]) -> list[str]:
    return [entry.ref for entry in entries]


def test_a_ref_has_enough_random_bits() -> None:
    """At least 64, so that nobody else's is the same."""
    assert REF_BYTES * 8 >= 64
    assert len({random_ref() for _ in range(1000)}) == 1000
    assert len(random_ref()) <= 64


def test_messages_go_out_once_a_connection_and_in_order(outbox: Outbox) -> None:
    """What is flying is not due again, until the connection is lost."""
    for text in "abc":
        outbox.add(text, room="lobby")
    assert refs(outbox.due(0)) == ["r1", "r2", "r3"]
    assert outbox.due(0) == []
    outbox.acknowledged("r2")
    outbox.connection_lost()
    assert refs(outbox.due(1)) == ["r1", "r3"]
    assert outbox.pending == 2


def test_only_a_window_flies(outbox: Outbox) -> None:
    """A long input goes out as its echoes come."""
    for _ in range(WINDOW_MAX + 5):
        outbox.add("x", room="lobby")
    assert len(outbox.due(0)) == WINDOW_MAX
    outbox.acknowledged("r1")
    assert refs(outbox.due(0)) == [f"r{WINDOW_MAX + 1}"]


def test_a_passing_refusal_holds_and_then_goes_one_by_one(outbox: Outbox) -> None:
    """After rate_limited nothing goes out for a while, then the refused one first and alone."""
    for _ in range(4):
        outbox.add("x", room="lobby")
    outbox.due(0)
    for ref in ("r1", "r2", "r3", "r4"):
        entry = outbox.refused(ref, "rate_limited", "too fast", 0)
        assert entry is not None
        assert entry.state is OutgoingState.PENDING
    assert outbox.due(POSTPONE_MIN_SECONDS / 2) == []
    assert outbox.next_due(0) == POSTPONE_MIN_SECONDS
    assert refs(outbox.due(POSTPONE_MIN_SECONDS)) == ["r1"]
    assert outbox.next_due(POSTPONE_MIN_SECONDS) is None
    outbox.acknowledged("r1")
    assert refs(outbox.due(POSTPONE_MIN_SECONDS)) == ["r2", "r3"]


def test_holds_grow_longer(outbox: Outbox) -> None:
    """A server that refuses again and again is asked less and less often, up to a bound."""
    outbox.add("x", room="lobby")
    now = 0.0
    waits = []
    for _ in range(8):
        outbox.due(now)
        outbox.refused("r1", "log_unavailable", "disk full", now)
        due = outbox.next_due(now)
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_lasting_refusal_fails(outbox: Outbox) -> None:
    """A failed message waits for a person: it is not due, can be retried at its place, or dropped."""
    first = outbox.add("a", room="lobby")
    outbox.add("b", room="lobby")
    outbox.due(0)
    assert outbox.refused("r1", "forbidden", "no", 0) is first
    assert (first.state, first.code, first.reason) == (OutgoingState.FAILED, "forbidden", "no")
    outbox.connection_lost()
    assert refs(outbox.due(0)) == ["r2"]
    outbox.retry(first)
    assert refs(outbox.due(0)) == ["r1"]
    outbox.discard(first)  # not failed any more: kept
    assert outbox.pending == 2
    outbox.refused("r1", "forbidden", "no", 0)
    outbox.discard(first)
    outbox.retry(first)
    assert refs(list(outbox)) == ["r2"]


def test_what_is_not_ours_changes_nothing(outbox: Outbox) -> None:
    """Refs of others, and none, are passed over."""
    outbox.add("a", room="lobby")
    assert outbox.acknowledged("r9") is outbox.acknowledged(None) is None
    assert outbox.refused("r9", "forbidden", "", 0) is outbox.refused(None, "forbidden", "", 0) is None
    assert outbox.pending == 1


@pytest.mark.parametrize("where", [{}, {"room": "lobby", "to": "bob"}])
def test_a_message_goes_to_one_place(outbox: Outbox, where: dict[str, str]) -> None:
    """A room or a person, not both and not neither."""
    with pytest.raises(ValueError, match="room or to a person"):
        outbox.add("x", **where)


def test_it_survives_a_process(outbox: Outbox) -> None:
    """Saved and restored entries keep ref, order and what was tried; new ones come after them."""
    outbox.add("a", to="bob")
    outbox.add("b", room="lobby", action=True)
    outbox.due(0)
    saved = msgspec.json.encode(list(outbox))
    other = Outbox(lambda: "new")
    other.add("c", room="lobby")
    other.restore(msgspec.json.decode(saved, type=list[Outgoing]))
    assert [(e.ref, e.message, e.to, e.action, e.tried) for e in other] == [
        ("r1", "a", "bob", False, True),
        ("r2", "b", None, True, True),
        ("new", "c", None, False, False),
    ]


def test_only_what_was_tried_is_disowned(outbox: Outbox) -> None:
    """With another identity, what the old one may have said is not said again by itself."""
    outbox.add("a", room="lobby")
    outbox.due(0)
    outbox.add("b", room="lobby")
    assert refs(outbox.disown()) == ["r1"]
    outbox.connection_lost()
    assert refs(outbox.due(0)) == ["r2"]


def test_the_server_says_when_to_send_again(outbox: Outbox) -> None:
    """And the refused messages go out in their order, the first alone."""
    for text in "abc":
        outbox.add(text, room="lobby")
    outbox.due(0)
    for ref in ("r1", "r2", "r3"):
        outbox.refused(ref, "rate_limited", "later", 0, 7.5)
    assert outbox.due(7) == []
    assert outbox.next_due(0) == 7.5
    assert refs(outbox.due(7.5)) == ["r1"]
    outbox.acknowledged("r1")
    assert refs(outbox.due(7.5)) == ["r2", "r3"]
    outbox.refused("r2", "rate_limited", "later", 8, 1e9)
    assert outbox.next_due(8) == 8 + POSTPONE_MAX_SECONDS


def test_no_more_is_unanswered_than_the_protocol_allows() -> None:
    """Messages, requests, a PING and a TYPING (PROTOCOL.md section 6)."""
    assert WINDOW_MAX + ASKED_MAX + 2 <= 64
