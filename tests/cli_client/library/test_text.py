"""Text that may be sent."""

from hypothesis import given
from hypothesis import strategies as st

from cli_client.library.text import escape_json, sendable
from tcp_server.protocol.fields import check_text


@given(st.text(st.characters(), min_size=1, max_size=100))
def test_what_is_sendable_is_a_message(text: str) -> None:
    """The server takes whatever comes out (PROTOCOL.md section 2)."""
    check_text("message", sendable(text), 1, 8000)
    assert "\r" not in sendable(text)


def test_line_ends_become_newlines() -> None:
    """CRLF is one newline, and so is a lone CR."""
    assert sendable("a\r\nb\rc\nd\te") == "a\nb\nc\nd\te"


def test_a_body_is_escaped_to_one_harmless_line() -> None:
    """Line breaks between its tokens are blanks; everything that was good stays as it is."""
    assert escape_json(b'{"a":\n\t"\xc2\x9b"}') == b'{"a":  "\\u009b"}'
    good = '{"a":"é日\\u001b \\n"}'.encode()
    assert escape_json(good) == good
