"""Checks the messages of a room's members at the price of a comparison.

All members of a room must get the same frames in the same order. The frame of the first member is parsed and written to
the room's transcript; for all others the bytes are compared with the transcript at their place, which costs a hundredth
of parsing. Only differing frames are parsed: pings and other frames for one member alone, and faults. A member whose
messages differ leaves the transcript and is checked alone from there on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from tests.bench import payload
from tests.bench.order import Order
from tests.bench.payload import Damaged, Stamp

Cut = Callable[[bytes, int], int]  # the end of the frame that begins at a place; 0 if its rest has not come yet


class Transcript:
    """The messages of one room, for all members that must hear the same.

    Attributes:
        data: the frames, one after the other: whole messages of the room only.
        ends: the end of each frame in `data`.
        sent, slots: the time and the publisher of each message.
    """

    def __init__(self, room: int, cut: Cut) -> None:
        self.room = room
        self.cut = cut
        self.data = bytearray()
        self.ends: list[int] = []
        self.sent: list[int] = []
        self.slots = bytearray()
        self.numbers: list[int] = []

    def append(self, packet: bytes, stamp: Stamp) -> None:
        self.data += packet
        self.ends.append(len(self.data))
        self.sent.append(stamp.sent)
        self.slots.append(stamp.slot)
        self.numbers.append(stamp.number)

    def order(self, count: int) -> Order:
        """Return the check of the first `count` messages."""
        order = Order()
        for slot, number in zip(self.slots[:count], self.numbers[:count], strict=True):
            order.hear(slot, number)
        return order


Heard = tuple[list[int], bytes | bytearray]  # times and slots of the messages that a read completed


class Receiver:
    """One member's place in its room's transcript.

    Attributes:
        others: frames that are no messages; the owner takes them out and answers them.
        misrouted: the number of messages of other rooms.
        damaged: the number of messages cut or changed.
    """

    __slots__ = ("_alone", "_count", "_position", "_rest", "_transcript", "damaged", "misrouted", "others")

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._position = 0  # in the transcript's data: all bytes before it were heard
        self._count = 0  # messages heard
        self._rest = b""  # the beginning of a frame that the transcript doesn't have yet
        self._alone: Order | None = None
        self.others: list[bytes] = []
        self.misrouted = 0
        self.damaged = 0

    @property
    def heard(self) -> int:
        """The number of different messages."""
        return self._count if self._alone is None else self._alone.heard

    @property
    def is_alone(self) -> bool:
        """Whether this member heard other messages than the others, or another order."""
        return self._alone is not None

    def order(self) -> Order:
        """Return the check of all messages."""
        return self._transcript.order(self._count) if self._alone is None else self._alone

    def take(self, data: bytes) -> Heard:
        """Take the bytes of one read, and return the messages that they complete."""
        if self._alone is not None:
            return self._take_alone(data)
        transcript, first = self._transcript, self._count
        if self._rest:
            data = self._rest + data
        if transcript.data.startswith(data, self._position):
            self._rest = b""
            self._position += len(data)
            last = self._count = bisect_right(transcript.ends, self._position, first)
            return transcript.sent[first:last], transcript.slots[first:last]
        return self._take_slowly(data, first)

    def _take_slowly(self, data: bytes, first: int) -> Heard:
        """Go frame by frame: this member is the first to get some of these bytes, or the only one."""
        transcript = self._transcript
        begin = transcript.ends[self._count - 1] if self._count else 0
        data = bytes(transcript.data[begin : self._position]) + data  # from the beginning of a frame on
        position, start = begin, 0
        while end := transcript.cut(data, start):
            packet = data[start:end]
            if transcript.data.startswith(packet, position):
                pass
            elif (stamp := self._read(packet)) is None:
                start = end
                continue
            elif position == len(transcript.data):
                transcript.append(packet, stamp)
            else:
                heard = transcript.sent[first : self._count], transcript.slots[first : self._count]
                self._alone = transcript.order(self._count)
                sent, slots = self._take_alone(data[start:])
                return heard[0] + sent, bytes(heard[1]) + slots
            position += end - start
            self._count += 1
            start = end
        self._position, self._rest = position, data[start:]
        return transcript.sent[first : self._count], transcript.slots[first : self._count]

    def _take_alone(self, data: bytes) -> tuple[list[int], bytes]:
        order = self._alone
        if order is None:
            raise AssertionError("only a receiver that parted with the transcript is alone")
        data = self._rest + data
        sent: list[int] = []
        slots = bytearray()
        start = 0
        while end := self._transcript.cut(data, start):
            stamp = self._read(data[start:end])
            if stamp is not None:
                order.hear(stamp.slot, stamp.number)
                sent.append(stamp.sent)
                slots.append(stamp.slot)
            start = end
        self._rest = data[start:]
        return sent, bytes(slots)

    def _read(self, packet: bytes) -> Stamp | None:
        """Return the stamp of a message of this room; note all other frames."""
        try:
            stamp = payload.find(packet)
        except Damaged:
            self.damaged += 1
            return None
        if stamp is None:
            self.others.append(packet)
        elif stamp.room != self._transcript.room:
            self.misrouted += 1
            return None
        return stamp
