"""A member that enters the square and leaves it again and again, and changes its nickname meanwhile.

Its times in the square are its stays: during each it must hear every message to the square.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

from tests.chaos.member import SQUARE, Heard, Member, Packet, is_for_later

RENAME = 0.3  # share of its errands
ERRAND = "errand-"  # the beginning of an errand's ref
DIARY = 16  # entries


@dataclass
class Stay:
    """A time in the square: the newest id at the arrival, and the messages heard."""

    start: int
    ids: list[int] = field(default_factory=list)


class Wanderer(Member):
    """A wanderer; see the module.

    Attributes:
        stays: all times in the square, in order.
        is_in: the last stay is not over.
        is_resting: the wanderer enters the square, if it is not there, and stays.
        refused_for_good: texts that the server refused since the wanderer was not in the square.
        early: ids heard in the square before the wanderer knew of its own JOIN: a lagging session gets the JOIN of
            another session of its user only behind the messages that it missed.
    """

    def __init__(self, label: str, nickname: str, rooms: list[str], random: Random, *, hasty: bool = False) -> None:
        super().__init__(label, nickname, rooms, random, hasty=hasty)
        self.nicknames = {nickname, f"{nickname}-too"}
        self.stays: list[Stay] = []
        self.is_in = False
        self.is_resting = False
        self.refused_for_good: list[str] = []
        self.early: list[int] = []
        self.diary: deque[str] = deque(maxlen=DIARY)
        self._refused_refs: set[str] = set()
        self._errands = 0
        self._errand: Packet | None = None  # the errand without an answer
        self._is_leaving = False  # a LEAVE is sent and may still be under way

    @property
    def is_settled(self) -> bool:
        return super().is_settled and self.is_in and self._errand is None

    def wander(self) -> list[Packet]:
        """Enter, leave, or take the other nickname; one errand at a time."""
        is_talking = any(packet.get("room") == SQUARE for packet in self.outbox.values())
        if not self.is_ready or self.settling or self.is_resting or self._errand is not None or is_talking:
            return []
        if self._random.random() < RENAME:
            (other,) = self.nicknames - {self.nickname}
            return self._go({"type": "NICK", "nickname": other})
        return self._go({"type": "LEAVE" if self.is_in else "JOIN", "room": SQUARE})

    def try_again(self) -> list[Packet]:
        packets = super().try_again()
        if self.is_resting and self.is_ready and not self.is_in and self._errand is None:
            packets += self._go({"type": "JOIN", "room": SQUARE})
        return packets

    def received(self, packet: Packet) -> list[Packet]:
        is_answer = packet.get("ref", "").startswith(ERRAND)
        if self._errand is not None and packet.get("ref") == self._errand["ref"]:
            self._errand = None
        self._note(packet)
        match packet["type"]:
            case "ROOM" if packet["room"] == SQUARE and not self.is_in:
                self._come(packet["id"])
            case "LEAVE" if packet["room"] == SQUARE and packet["nickname"] in self.nicknames:
                self.is_in = self._is_leaving = False
            case "READY" if is_answer:
                self.nickname, self.token = packet["nickname"], packet["token"]
                self.counts["renames"] += 1
                return []
            case "ERROR" if is_answer:
                if is_for_later(packet):
                    return []  # it goes on another errand
                self._wrong(f"got {packet}")
                return []
        return super().received(packet)

    def cut_off(self) -> None:
        super().cut_off()
        self.diary.append("(cut off)")

    def _note(self, packet: Packet) -> None:
        """Keep a diary, which explains a fault in the report."""
        kind = packet["type"]
        is_about_me = packet.get("room") == SQUARE and packet.get("nickname", self.nickname) in self.nicknames
        if kind == "READY" or (kind in ("JOIN", "LEAVE", "ROOM", "MSG") and is_about_me):
            where = " in" if SQUARE in packet.get("rooms", ()) else ""
            self.diary.append(f"{kind}{where} {packet.get('id', '')} {packet.get('ref', '')[:10]}".rstrip())

    def _go(self, errand: Packet) -> list[Packet]:
        self._errands += 1
        self._errand = {**errand, "ref": f"{ERRAND}{self._errands}"}
        self._is_leaving = self._is_leaving or errand["type"] == "LEAVE"
        self.diary.append(f"-> {errand['type']}")
        return [self._errand]

    def _ready(self, packet: Packet) -> list[Packet]:
        is_in = SQUARE in packet["rooms"]
        if is_in and (not self.is_in or self._is_leaving):
            # It entered, or its bridge brought it back, but the connection broke before it knew; the missed messages
            # come now.
            self._come(self.after)
        elif self.is_in and not is_in and not self._is_leaving:
            self._wrong("is not in the square any more, but never left")
        self.is_in = is_in
        self._errand = None
        self.nickname = packet["nickname"]
        return super()._ready(packet)

    def _come(self, newest: int) -> None:
        self.is_in = True
        self.counts["stays in the square"] += 1
        self.stays.append(Stay(newest, self.early))
        self.early = []

    def _keep(self, heard: Heard) -> None:
        super()._keep(heard)
        if heard.room == SQUARE and self.is_in:
            self.stays[-1].ids.append(heard.id)
        elif heard.room == SQUARE:
            self.early.append(heard.id)

    def _refused(self, packet: Packet) -> None:
        ref, is_outside = packet.get("ref", ""), packet["code"] == "not_in_room"
        if is_outside and self.outbox.get(ref, {}).get("room") == SQUARE:
            self.refused_for_good.append(self.said.pop(ref))
            self._refused_refs.add(ref)
            del self.outbox[ref]
        elif is_outside and ref in self._refused_refs and self._sent[ref] > 1:
            self.counts["refused again"] += 1  # messages that its bridge held, and hasty resends
        else:
            super()._refused(packet)
