"""What a field of a client's packet may hold, whatever the packet (PROTOCOL.md section 2); else there is a Fault."""

import re
from typing import Any

from tcp_server.protocol import names
from tcp_server.protocol.server_packets import ErrorCode

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CHECKED = {names.Nickname: names.checked_nickname, names.RoomName: names.checked_room}
_JSON_TYPES = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    list: "array",
    dict: "object",
}  # as msgspec calls them in its own errors


class Fault(ValueError):
    """A field holds what it may not hold; the text names the field."""

    def __init__(self, text: str, code: ErrorCode = "bad_packet") -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def decode_name(kind: type[names.Name], value: Any) -> names.Name:
    """Return a decoded string as the name that a field is to hold; the `dec_hook` of msgspec.

    Raises:
        Fault: the value is no string.
        names.NameFault: it is no such name.
    """
    if type(value) is not str:
        raise Fault(f"Expected `str`, got `{_JSON_TYPES[type(value)]}`")
    return _CHECKED[kind](value)


def check_text(field: str, text: str, least: int, most: int) -> None:
    """Accept `least` to `most` characters, with no control character but newline and tab."""
    if not least <= len(text) <= most:
        if len(text) > most:
            raise Fault(f"{field}: has more than {most} characters", "too_long")
        raise Fault(f"{field}: is empty")
    if not text.isprintable():
        found = _CONTROL.search(text)
        if found:
            raise Fault(f"{field}: may not hold U+{ord(found[0]):04X}")
    if names.has_long_run(text, names.TEXT_MARKS_MAX):
        raise Fault(f"{field}: has more than {names.TEXT_MARKS_MAX} marks in a row")


def check_place(text: str) -> None:
    """Accept the `after` of a list: not longer than any name is, so that it may be folded."""
    if len(text) > names.ROOM_MAX:
        raise Fault(f"after: has more than {names.ROOM_MAX} characters", "too_long")


def check_id(field: str, value: int) -> None:
    """Accept an id, or the 0 before the first."""
    if value < 0:
        raise Fault(f"{field}: is negative")


def check_limit(limit: int) -> None:
    """Accept a number of messages; one that is too large is clamped later."""
    if limit < 1:
        raise Fault("limit: is less than 1")
