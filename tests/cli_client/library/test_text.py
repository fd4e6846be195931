"""Text that may be sent."""

from hypothesis import given
from hypothesis import strategies as st

from cli_client.library.text import sendable
from tcp_server.protocol.fields import check_text


@given(st.text(st.characters(), min_size=1, max_size=100))
def test_what_is_sendable_is_a_message(text: str) -> None:
    """The server takes whatever comes out (PROTOCOL.md section 2)."""
    check_text("message", sendable(text), 1, 8000)
    assert "\r" not in sendable(text)


def test_line_ends_become_newlines() -> None:
    """CRLF is one newline, and so is a lone CR."""
    assert sendable("a\r\nb\rc\nd\te") == "a\nb\nc\nd\te"
