"""The text of a benchmark's message: its publisher, its number, and its time.

All messages have one size, and each has all data for a receiver's checks, so that the processes of a load share no
table.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SIZE = 100  # bytes and characters: about as many as people type
SLOTS_MAX = 256  # publishers of one room: a slot fits into a byte

_PATTERN = re.compile(rb"~bench:([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{8}):([0-9a-f]{16})~\.*!")


class Stamp(NamedTuple):
    """The data in a message's text."""

    room: int
    slot: int  # of the publisher in its room
    number: int  # of the message among its publisher's messages, from 0 on
    sent: int  # nanoseconds of `time.monotonic_ns`, which is one clock for all processes


class Damaged(ValueError):
    """A message of a benchmark arrived damaged."""


def write(stamp: Stamp) -> bytes:
    """Return the text of a message: letters, digits and punctuation that need no escape in any protocol here."""
    return (b"~bench:%04x:%02x:%08x:%016x~" % stamp).ljust(SIZE - 1, b".") + b"!"


def find(packet: bytes) -> Stamp | None:
    """Return the stamp of the message in a frame, None for a frame of another kind.

    Raises:
        Damaged: the message is cut or changed.
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
