"""How much of a view the person has seen."""

from cli_client.chat.attention import Attention
from cli_client.chat.lines import Kind, Line
from tests.cli_client.chat.sessions import NOW


def test_the_marker_stays_for_one_look() -> None:
    """It is above the messages that were missed, and gone at the next look without any."""
    last = Line(Kind.MESSAGE, "last", NOW, id=1)
    attention = Attention()
    attention.look_away(last)
    attention.miss(mention=False)
    attention.miss(mention=True)
    assert (attention.unread, attention.mentions) == (2, 1)
    attention.look()
    assert (attention.unread, attention.mentions, attention.marker) == (0, 0, last)
    attention.look()
    assert attention.marker is None


def test_typing_removes_the_marker() -> None:
    """The person has seen everything that they answer."""
    attention = Attention(marker=Line(Kind.MESSAGE, "x", NOW))
    attention.see_all()
    assert attention.marker is None


def test_a_line_that_goes_takes_the_position_with_it() -> None:
    """The anchor of a removed line is none; the marker moves from a pending line to the message."""
    pending, message = Line(Kind.MESSAGE, "x", NOW), Line(Kind.MESSAGE, "x", NOW, id=1)
    attention = Attention(marker=pending, anchor=pending)
    attention.replace(message, pending)
    attention.forget(message)
    assert (attention.marker, attention.anchor) == (pending, pending)
    attention.replace(pending, message)
    attention.forget(pending)
    assert (attention.marker, attention.anchor) == (message, None)
