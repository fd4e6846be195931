"""Text of other people, made harmless before a face shows it. Pure functions over strings and packets.

What a server says passes `harmless` where it enters the session, so that no view, name or line ever holds an escape
sequence of somebody else. Texts that don't come through the session pass `defuse` where a face shows them.
"""

import re
import unicodedata
from itertools import filterfalse
from typing import Any, TypeVar

import msgspec

from cli_client.library.text import CONTROL_PICTURES, REPLACEMENT
from tcp_server.protocol.names import ROOM_MAX, TEXT_MARKS_MAX
from tcp_server.protocol.server_packets import LIST_MAX, MESSAGE_MAX, Msg

_Packet = TypeVar("_Packet", bound=msgspec.Struct)

_RIGHT_TO_LEFT = ("R", "AL", "AN")
_MARK = "\u200e"

TEXT_MAX = MESSAGE_MAX  # characters of a message; a server that keeps the protocol sends no longer one
WORDS_MAX = 2000  # of a text that is no message: notices, reasons, errors
_TEXTS = ("message", "topic")  # the fields that may have several lines
_LENGTHS = {
    **dict.fromkeys(("nickname", "old", "room", "to", "rooms", "users"), ROOM_MAX),
    "timestamp": ROOM_MAX,
    **dict.fromkeys(("topic", "reason", "query"), 1000),  # the protocol's limits are lower, a server's may not be
}
_HIDDEN = ("token", "epoch", "ref")  # never shown, and compared with what was sent

# Shown, these would reverse the rest of the row, nickname and time included. A message may hold them.
_DIRECTION = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), REPLACEMENT)
_HARMFUL: dict[int, str] = {**CONTROL_PICTURES, **_DIRECTION, 0x2028: "\n", 0x2029: "\n"}
_ANY_HARMFUL = re.compile(f"[{''.join(map(re.escape, map(chr, _HARMFUL)))}]")


def defuse(text: str) -> str:
    """Return the text as it may be shown: a control character becomes its picture (ESC is shown as ␛)."""
    return text.translate(_HARMFUL) if _ANY_HARMFUL.search(text) else text


def defuse_line(text: str) -> str:
    """Return the text as one harmless line, its newlines and tabs made spaces."""
    return " ".join(defuse(text).replace("\t", " ").split("\n"))


def bounded(text: str) -> str:
    """Return a text that a server may have said, of any length, as it may be shown."""
    return defuse(_bounded(text, WORDS_MAX))


def isolate(name: str) -> str:
    """Return a name as it stands in a sentence: one that is written from right to left turns nothing around it.

    The marks on both sides are left-to-right characters of no width. Terminals that know the directions obey them, also
    those that know no isolates, and the others show nothing.
    """
    if name.isascii() or not any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in name):
        return name
    return f"{_MARK}{name}{_MARK}"


def bare(name: str) -> str:
    """Return a name that the person has typed, or copied from a sentence, without the marks around it."""
    return name.strip(_MARK)


def harmless(packet: _Packet) -> _Packet:
    """Return a packet that is safe to show and to work on: texts defused, and no longer than the protocol allows."""
    changed = {}
    for field in packet.__struct_fields__:
        if field not in _HIDDEN:
            value = getattr(packet, field)
            safe = _harmless(field, value, TEXT_MAX if isinstance(packet, Msg) else WORDS_MAX)
            if safe is not value:
                changed[field] = safe
    return msgspec.structs.replace(packet, **changed) if changed else packet


def _harmless(field: str, value: Any, most: int) -> Any:
    if isinstance(value, str):
        if value.isascii() and value.isprintable() and len(value) <= ROOM_MAX:
            return value
        text = _bounded(value, _LENGTHS.get(field, most))
        return defuse(text) if field in _TEXTS else defuse_line(text)
    if isinstance(value, list):
        return [_harmless(field, item, most) for item in value[:LIST_MAX]]
    return harmless(value) if isinstance(value, msgspec.Struct) else value


def _bounded(text: str, characters: int) -> str:
    """Return the text cut to a length; one with more marks in a row than any good server sends loses its marks."""
    if len(text) > characters:
        text = f"{text[: characters - 1]}…"
    return "".join(filterfalse(unicodedata.combining, text)) if _has_long_run(text) else text


def _has_long_run(text: str) -> bool:
    """Say whether a text has too many marks in a row; only runs that reach over some of its characters are counted."""
    step = TEXT_MARKS_MAX + 1
    for at in range(step - 1, len(text), step):
        if not unicodedata.combining(text[at]):
            continue
        start, end = at, at + 1
        while start and end - start < step and unicodedata.combining(text[start - 1]):
            start -= 1
        while end < len(text) and end - start < step and unicodedata.combining(text[end]):
            end += 1
        if end - start >= step:
            return True
    return False
