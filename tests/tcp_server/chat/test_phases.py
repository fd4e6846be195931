"""The phases of a session, and what is refused in them."""

from tcp_server.chat.phases import REFUSALS, Phase


def test_a_refusal_for_each_phase_that_answers() -> None:
    """A session that has ended is not answered."""
    assert {phase: code for phase, (code, _) in REFUSALS.items()} == {
        Phase.OPENING: "not_ready",
        Phase.CHATTING: "unknown_type",
    }
    assert Phase.ENDED not in REFUSALS
