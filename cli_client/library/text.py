"""The text that may be sent, and control characters made harmless. Pure functions over strings."""

import re

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


# What moves a cursor, turns the direction of text around or ends a line. The first three stand between JSON's tokens.
_RAW = re.compile("[\t\n\r\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def escape_json(body: bytes) -> bytes:
    """Return a JSON body of the same meaning on one line, without characters that a terminal might obey."""
    text = body.decode(errors="replace")
    return _RAW.sub(lambda raw: " " if raw[0] < " " else f"\\u{ord(raw[0]):04x}", text).encode()
