"""What waits for the end of a replay: all that was asked for, and a bounded part of the rest."""

from tcp_server.chat.outputs import Send, SendNewest, StartHearing
from tcp_server.chat.state import Room, Session
from tcp_server.delivery.postponed import ANSWERS_MAX, PostponedOutputs

SESSION = Session(None)
TEA = Room("tea", "tea")


def test_answers_keep_their_order() -> None:
    """Whatever they are."""
    outputs = [Send(SESSION, b"1"), StartHearing(SESSION, TEA), SendNewest(SESSION, b"22", TEA), Send(SESSION, b"3")]
    postponed = PostponedOutputs()
    for output in outputs:
        postponed.add(output)
    assert postponed.bytes == 4
    assert postponed.take() == outputs
    assert (postponed.take(), postponed.bytes) == ([], 0)


def test_what_was_not_asked_for_is_bounded() -> None:
    """No ROOM, since a fresh one follows the replay; the last READY; and of the rest what there is room for."""
    postponed = PostponedOutputs()
    leave = b"x" * 1_000
    for number in range(1_000):
        postponed.add(SendNewest(SESSION, b"ROOM", TEA, is_asked=False))
        postponed.add(SendNewest(SESSION, b"READY %d" % number, is_asked=False))
        postponed.add(Send(SESSION, leave, is_asked=False))
    assert postponed.bytes < ANSWERS_MAX + 1_100
    asked = Send(SESSION, b"asked")
    postponed.add(asked)
    outputs = postponed.take()
    assert [output.body for output in outputs if isinstance(output, SendNewest)] == [b"READY 999"]
    assert outputs[-1] is asked
