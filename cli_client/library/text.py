"""The text that may be sent, and the pictures of control characters. Pure functions over strings."""

REPLACEMENT = "\ufffd"

_DELETE = 0x7F
_PICTURES = 0x2400  # U+2400 is the picture of NUL, and so on to U+241F
_KEPT = (0x09, 0x0A)  # tab and newline are the control characters that a message may hold
CONTROL_PICTURES: dict[int, str] = {
    **{code: chr(_PICTURES + code) for code in range(0x20) if code not in _KEPT},
    _DELETE: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), REPLACEMENT),
    **dict.fromkeys(range(0xD800, 0xE000), REPLACEMENT),
}


def sendable(text: str) -> str:
    """Return the text as a message may hold it (PROTOCOL.md section 2): CRLF is a newline, no other controls.

    The server answers a control character with `bad_packet` and ends the session at the tenth, so a coloured
    log through a pipe would cost the connection.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(CONTROL_PICTURES)
