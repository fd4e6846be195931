"""What a room's members heard, checked at the price of a comparison.

All members of a room must see the same packets in the same order. So the first that gets a packet has it read and
written to the room's transcript; for all others a read is compared with the transcript at their place, as bytes,
which costs a hundredth of reading it. Only what differs is read: pings and other packets that are for one member
alone, and faults. A member whose messages differ parts with the transcript and is checked alone from there on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from tests.bench import payload
from tests.bench.order import Order
from tests.bench.payload import Damaged, Stamp

Cut = Callable[[bytes, int], int]  # the end of the packet that begins at a place; 0 if it isn't all there


class Transcript:
    """The messages of one room, as those who must hear the same heard them.

    Attributes:
        data: the packets, one after the other; nothing but whole messages of the room.
        ends: where each packet ends in `data`.
        sent, slots: of each message, when it was sent and by which publisher.
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


Heard = tuple[list[int], bytes | bytearray]  # of the messages that a read completed: when sent, by which slots


class Receiver:
    """One member's place in its room's transcript.

    Attributes:
        others: packets that are no messages, for the owner to take out and act on.
        misrouted: messages of other rooms.
        damaged: messages that were cut or changed.
    """

    __slots__ = ("_alone", "_count", "_position", "_rest", "_transcript", "damaged", "misrouted", "others")

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._position = 0  # in the transcript's data: all before it was heard
        self._count = 0  # messages that were heard
        self._rest = b""  # what came of a packet that the transcript doesn't have yet
        self._alone: Order | None = None
        self.others: list[bytes] = []
        self.misrouted = 0
        self.damaged = 0

    @property
    def heard(self) -> int:
        """How many different messages came."""
        return self._count if self._alone is None else self._alone.heard

    @property
    def is_alone(self) -> bool:
        """Whether it heard something else than the other members."""
        return self._alone is not None

    def order(self) -> Order:
        """Return the check of all that came."""
        return self._transcript.order(self._count) if self._alone is None else self._alone

    def take(self, data: bytes) -> Heard:
        """Take what one read brought, and return the messages that it completed."""
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
        """Go packet by packet: it is the first to get some of this, or the only one."""
        transcript = self._transcript
        begin = transcript.ends[self._count - 1] if self._count else 0
        data = bytes(transcript.data[begin : self._position]) + data  # from the beginning of a packet on
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
        """Return the stamp of a message of this room; note what is something else."""
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
