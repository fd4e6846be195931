"""One member as a value: the messages it said and heard, and its next packets. No socket, no clock.

Written from PROTOCOL.md sections 3 to 5 alone. A member notes the server's faults in `wrongs`; `checks` finds the
faults that only all members together show.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

Packet: TypeAlias = dict[str, Any]

REF_BITS = 128  # section 5 asks for at least 64
TRAIL = 16  # packets before a member's first fault, for the report
SQUARE = "square"  # the room that wanderers enter and leave; see `wanderer`


@dataclass(frozen=True)
class Heard:
    """A message as it arrived."""

    id: int
    room: str | None  # None: a direct message
    to: str | None
    nickname: str
    message: str
    timestamp: str


def is_for_later(packet: Packet) -> bool:
    """Say whether a packet was refused because too many of the session's packets wait: it is to be sent again."""
    return packet["type"] == "ERROR" and packet["code"] == "rate_limited" and packet.get("what") == "queue"


class Member:
    """The user of one session: it talks, and resumes after each lost connection.

    Args:
        label: the member's name in its messages; no other member has it.
        nickname: the user's name. Two members may be two sessions of one user.
        rooms: its rooms from beginning to end.
        hasty: it resends at once after a READY; others wait for a PONG.
        nervous: it sends each message twice.

    Attributes:
        heard: every message once, in the order of arrival.
        acknowledged: the id of each echoed ref.
        outbox: the messages without an echo, oldest first.
        settling: its PING after a READY has no PONG yet; its messages wait in the outbox.
        is_steady: from here on no member is away for longer than the grace, so no JOIN or LEAVE may be seen.
    """

    def __init__(
        self,
        label: str,
        nickname: str,
        rooms: list[str],
        random: Random,
        *,
        hasty: bool = False,
        nervous: bool = False,
    ) -> None:
        self.label = label
        self.nickname = nickname
        self.nicknames = {nickname}  # every nickname that it has had
        self.rooms = rooms
        self.hasty = hasty
        self.nervous = nervous
        self.token: str | None = None
        self.epoch: str | None = None
        self.after = 0  # it has every entry up to this id
        self.is_ready = False
        self.is_steady = False
        self.settling = False
        self.heard: list[Heard] = []
        self.said: dict[str, str] = {}  # ref -> text
        self.acknowledged: dict[str, int] = {}
        self.outbox: dict[str, Packet] = {}
        self.counts: Counter[str] = Counter()
        self.wrongs: list[str] = []
        self.refused: set[str] = set()  # refs that the log or a queue could not take; to be sent again
        self._ids: set[int] = set()
        self._sent: Counter[str] = Counter()  # the number of times that each ref was sent
        self._arrived: Counter[str] = Counter()  # and arrived
        self._pings = 0
        self.trail: deque[str] = deque(maxlen=TRAIL)
        self._random = random

    @property
    def is_settled(self) -> bool:
        """Whether every packet of this member has its answer."""
        return not self.outbox

    # The member's actions

    def say(self, text: str, *, room: str | None = None, to: str | None = None) -> list[Packet]:
        """Say something now, or as soon as possible; return the packets to send."""
        ref = f"{self._random.getrandbits(REF_BITS):032x}"
        packet: Packet = {"type": "MSG", "message": text, "ref": ref}
        packet |= {"room": room} if room is not None else {"to": to}
        self.said[ref] = text
        self.outbox[ref] = packet
        return self._send([packet]) if self.is_ready and not self.settling else []

    def ask(self) -> list[Packet]:
        """Return a PING, to find out whether the connection still works."""
        self.counts["pings"] += 1
        return [{"type": "PING"}]

    def opening(self) -> Packet:
        """Return the NICK that opens or resumes the session."""
        nick: Packet = {"type": "NICK", "nickname": self.nickname, "rooms": self.rooms, "client": "chaos"}
        if self.token is not None:
            nick |= {"token": self.token}
        if self.epoch is not None:
            nick |= {"epoch": self.epoch, "after": self.after}
        return nick

    def cut_off(self) -> None:
        """Note that the connection is lost."""
        self.trail.append("(cut off)")
        self.is_ready = False

    def try_again(self) -> list[Packet]:
        """Send again, in order, what could not be taken before."""
        if not self.is_ready:
            return []
        if self.settling:
            if self._settling_ref not in self.refused:
                return []
            self.refused.remove(self._settling_ref)
            return [{"type": "PING", "ref": self._settling_ref}]
        again = [packet for ref, packet in self.outbox.items() if ref in self.refused]
        self.refused.clear()
        return self._send(again)

    @property
    def _settling_ref(self) -> str:
        return f"settle-{self._pings}"

    # The server's packets

    def received(self, packet: Packet) -> list[Packet]:
        """Take a packet of the server; return the packets to send."""
        self.trail.append(f"{packet['type']} {packet.get('id', '')}".strip())
        match packet["type"]:
            case "HELLO":
                return [self.opening()]
            case "READY":
                return self._ready(packet)
            case "MSG":
                self._hear(packet)
            case "PONG":
                return self._pong(packet)
            case "PING":
                return [{"type": "PONG"}]
            case "ERROR":
                self._refused(packet)
            case "RETRY" | "GAP":
                self._wrong(f"got {packet}")
            case "JOIN" | "LEAVE" if self.is_steady and packet["room"] != SQUARE:
                self._wrong(f"somebody was seen to come or go: {packet}")
            case "BYE":
                self.counts[f"BYE {packet['reason']}"] += 1
        return []

    def _ready(self, packet: Packet) -> list[Packet]:
        self.is_ready = True
        self.counts["ready"] += 1
        if self.epoch is None:
            self.after = packet["id"]
        elif packet["epoch"] != self.epoch or not packet["resumed"]:
            self._wrong(f"not resumed: {packet}")
        missing = set(self.rooms) - set(packet["rooms"])
        if packet["nickname"] not in self.nicknames or missing:
            self._wrong(f"READY as {packet['nickname']}, without {missing}")
        self.token, self.epoch = packet["token"], packet["epoch"]
        if self.hasty:
            return self._send(list(self.outbox.values()))
        self.settling = True
        self._pings += 1
        return [{"type": "PING", "ref": self._settling_ref}]

    def _pong(self, packet: Packet) -> list[Packet]:
        if not self.is_ready:
            return []  # before READY it says nothing about what this user has
        self.after = max(self.after, packet["id"])
        if packet.get("ref") != self._settling_ref or not self.settling:
            return []
        self.settling = False
        return self._send(list(self.outbox.values()))

    def _hear(self, packet: Packet) -> None:
        heard = Heard(
            packet["id"],
            packet.get("room"),
            packet.get("to"),
            packet["nickname"],
            packet["message"],
            packet["timestamp"],
        )
        ref = packet.get("ref", "")
        is_own = ref in self.said
        if is_own:
            self._arrived[ref] += 1
            self._echoed(ref, heard)
        if heard.id > self.after:
            self.after = heard.id
            self._ids.add(heard.id)
            self._keep(heard)
        elif heard.id not in self._ids:
            self._wrong(f"{heard.id} comes after {self.after}, too late: {heard.message[:40]}")
        elif not is_own or self._arrived[ref] > self._sent[ref] + 1:
            self._wrong(f"{heard.id} comes again: {heard.message[:40]}")
        else:
            self.counts["answers to a resend"] += 1

    def _keep(self, heard: Heard) -> None:
        """Take a message that is new to this member."""
        self.heard.append(heard)

    def _echoed(self, ref: str, heard: Heard) -> None:
        if self.acknowledged.setdefault(ref, heard.id) != heard.id:
            self._wrong(f"logged twice, as {self.acknowledged[ref]} and {heard.id}: {heard.message[:40]}")
        if heard.message != self.said[ref] or heard.nickname not in self.nicknames:
            self._wrong(f"{heard.id} is not what was said: {heard}")
        self.outbox.pop(ref, None)

    def _refused(self, packet: Packet) -> None:
        ref = packet.get("ref")
        if is_for_later(packet):
            self.counts["too many waited"] += 1
            if ref is not None:
                self.refused.add(ref)
        elif packet["code"] == "log_unavailable" and ref in self.outbox:
            self.counts["log_unavailable"] += 1
            self.refused.add(ref)
        else:
            self._wrong(f"got {packet}")

    def _send(self, packets: list[Packet]) -> list[Packet]:
        if self.nervous:
            packets = [packet for packet in packets for _ in range(2)]
        for packet in packets:
            self._sent[packet["ref"]] += 1
            self.counts["sent"] += 1
            self.counts["resent"] += self._sent[packet["ref"]] > 1
        return packets

    def _wrong(self, text: str) -> None:
        trail = "" if self.wrongs else f" [before: {', '.join(self.trail)}]"
        self.wrongs.append(f"{self.label}: {text}{trail}")
