"""Text of other people, made harmless before a face shows it. Pure functions over strings.

Both faces show nothing that has not passed `defuse`, so that no escape sequence of somebody else ever reaches the
terminal.
"""

from cli_client.library.text import CONTROL_PICTURES, REPLACEMENT

# Shown, these would reverse the rest of the row, nickname and time included. A message may hold them.
_DIRECTION = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), REPLACEMENT)
_HARMFUL: dict[int, str] = {**CONTROL_PICTURES, **_DIRECTION, 0x2028: "\n", 0x2029: "\n"}


def defuse(text: str) -> str:
    """Return the text as it may be shown: a control character becomes its picture (ESC is shown as ␛)."""
    return text if text.isascii() and text.isprintable() else text.translate(_HARMFUL)


def defuse_line(text: str) -> str:
    """Return the text as one harmless line, its newlines and tabs made spaces."""
    return " ".join(defuse(text).replace("\t", " ").split("\n"))
