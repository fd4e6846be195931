"""The table of phases and packets, walked whole."""

import pytest

from tcp_server.chat.phases import REFUSALS, TABLE, Action, Phase
from tcp_server.protocol import client_packets

REQUESTS = sorted(client_packets._TYPES)
BEFORE_READY = {"NICK": Action.OPEN, "PING": Action.ANSWER_PING, "PONG": Action.HEAR, "BYE": Action.QUIT}


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("phase", Phase)
def test_what_is_allowed_when(phase: Phase, kind: str) -> None:
    """Before READY four packets, after it all but the link's, after the end none."""
    action = TABLE.get((phase, client_packets._TYPES[kind]))
    if phase is Phase.OPENING:
        assert action == BEFORE_READY.get(kind)
    elif phase is Phase.CHATTING:
        assert (action is None) == (kind in ("LINK", "OPEN", "CLOSE", "PAUSE", "RESUME"))
    else:
        assert action is None


def test_a_refusal_for_each_phase_that_answers() -> None:
    """Who has ended is not answered."""
    assert REFUSALS == {Phase.OPENING: "not_ready", Phase.CHATTING: "unknown_type"}


def test_every_action_is_somewhere_in_the_table() -> None:
    """None is dead."""
    assert set(TABLE.values()) == set(Action)
