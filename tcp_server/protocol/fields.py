"""What a field of a client's packet may hold, whatever the packet (PROTOCOL.md section 2); else there is a Fault."""

import re
from collections.abc import Callable

from tcp_server.protocol import names
from tcp_server.protocol.server_packets import ErrorCode

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Fault(Exception):
    """A field holds what it may not; the text names it."""

    def __init__(self, text: str, code: ErrorCode = "bad_packet") -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def check_name(field: str, name: str, key: Callable[[str], str]) -> None:
    """Take a name that its `key` function of `names` takes."""
    try:
        key(name)
    except names.NameFault as fault:
        raise Fault(f"{field}: {fault}", "too_long" if fault.too_long else "bad_packet") from None


def check_text(field: str, text: str, least: int, most: int) -> None:
    """Take so many characters, none of them a control character but newline and tab."""
    if not least <= len(text) <= most:
        if len(text) > most:
            raise Fault(f"{field}: has more than {most} characters", "too_long")
        raise Fault(f"{field}: is empty")
    if not text.isprintable():
        found = _CONTROL.search(text)
        if found:
            raise Fault(f"{field}: may not hold U+{ord(found[0]):04X}")


def check_id(field: str, value: int) -> None:
    """Take an id, or the 0 before the first."""
    if value < 0:
        raise Fault(f"{field}: is negative")


def check_limit(limit: int) -> None:
    """Take how many messages are asked for; too many are clamped later."""
    if limit < 1:
        raise Fault("limit: is less than 1")
