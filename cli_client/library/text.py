"""Text on its way to a terminal or to the server, made harmless; and the nickname of who gives none.

Pure functions over strings. What comes from other people passes `defuse` before it is shown anywhere, so
that no escape sequence of theirs ever reaches the terminal.
"""

import re

from tcp_server.protocol import names

REPLACEMENT = "\ufffd"
GUEST = "guest"  # who somebody is whose login name has no character that a nickname may have

_DELETE = 0x7F
_PICTURES = 0x2400  # U+2400 is the picture of NUL, and so on to U+241F
_KEPT = (0x09, 0x0A)  # tab and newline are the control characters that a message may hold
_CONTROLS: dict[int, str] = {
    **{code: chr(_PICTURES + code) for code in range(0x20) if code not in _KEPT},
    _DELETE: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), REPLACEMENT),
    **dict.fromkeys(range(0xD800, 0xE000), REPLACEMENT),
}
# Shown, these would reverse the rest of the row, nickname and time included. A message may carry them.
_DIRECTION = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), REPLACEMENT)
_HARMFUL: dict[int, str] = {**_CONTROLS, **_DIRECTION, 0x2028: "\n", 0x2029: "\n"}
# Terminals join some characters to one emoji and disagree about how wide it is; a screen that is drawn cell by cell
# then tears. Parted, each piece is as wide as it was counted: a family becomes its members, a flag its two letters.
_JOINER = re.compile("\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])")  # scripts of India need the others
_PARTED: dict[int, str | None] = {
    **dict.fromkeys((0xFE0E, 0xFE0F, 0x20E3, *range(0x1F3FB, 0x1F400))),
    **{0x1F1E6 + number: chr(ord("A") + number) for number in range(26)},
}


def defuse(text: str) -> str:
    """Return the text as it may be shown: a control character becomes its picture (ESC is shown as ␛)."""
    return text if text.isascii() and text.isprintable() else text.translate(_HARMFUL)


def defuse_line(text: str) -> str:
    """Return the text as one harmless line, its newlines and tabs made spaces."""
    return " ".join(defuse(text).replace("\t", " ").split("\n"))


def part_emojis(text: str) -> str:
    """Return the text as a screen may draw it: every emoji in pieces whose width all terminals agree about."""
    return text if text.isascii() else _JOINER.sub("", text).translate(_PARTED)


def sendable(text: str) -> str:
    """Return the text as a message may hold it (PROTOCOL.md section 2): CRLF is a newline, no other controls.

    The server answers a control character with `bad_packet` and ends the session at the tenth, so a coloured
    log through a pipe would cost the connection.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)


def login_nickname(login: str) -> str:
    """Return the nickname for somebody who named none: the login name, made valid."""
    kept = ""
    for character in login:
        try:
            names.nickname_key(kept + character)
        except names.NameFault as fault:
            if fault.too_long:
                break
            continue
        kept += character
    kept = kept or GUEST
    return f"{kept}_" if names.fold(kept) in names.RESERVED else kept
