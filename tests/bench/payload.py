"""The text of a benchmark's message: who sent it, the how-manieth it is, and when.

Every message is of one size and says all that a receiver needs for its checks, so that no table has to be shared
between the processes of a load.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SIZE = 100  # bytes, and characters: what people type is about as long
SLOTS_MAX = 256  # publishers of one room: a slot fits into a byte

_PATTERN = re.compile(rb"~bench:([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{8}):([0-9a-f]{16})~\.*!")


class Stamp(NamedTuple):
    """What a message says of itself."""

    room: int
    slot: int  # which of the room's publishers sent it
    number: int  # of the message among its publisher's, from 0 on
    sent: int  # nanoseconds of `time.monotonic_ns`, which is one clock for all processes


class Damaged(ValueError):
    """A message of a benchmark arrived, but not whole."""


def write(stamp: Stamp) -> bytes:
    """Return the text of a message: letters, digits and punctuation that need no escape in any protocol here."""
    return (b"~bench:%04x:%02x:%08x:%016x~" % stamp).ljust(SIZE - 1, b".") + b"!"


def find(packet: bytes) -> Stamp | None:
    """Return the stamp of the message in a packet, None if it is a packet of another kind.

    Raises:
        Damaged: the message was cut or changed on its way.
    """
    found = _PATTERN.search(packet)
    if found is None:
        if b"~bench:" in packet:
            raise Damaged(f"a message without its end: {packet[:200]!r}")
        return None
    if found.end() - found.start() != SIZE:
        raise Damaged(f"a message of {found.end() - found.start()} bytes instead of {SIZE}")
    room, slot, number, sent = found.groups()
    return Stamp(int(room, 16), int(slot, 16), int(number, 16), int(sent, 16))
