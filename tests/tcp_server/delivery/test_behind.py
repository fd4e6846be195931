"""Every user sees every message once and in order, while connections lag, break, pause, come and go.

A model of the protocol beside the real server, driven by a seed: after any steps each session has seen, in strictly
growing order, exactly the messages of the room that it never left and its direct messages.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tcp_server.log.sqlite_log import SqliteLog
from tests.tcp_server.client import Packet
from tests.tcp_server.house import House, Peer
from tests.tcp_server.memory_log import MemoryLog

STEPS = 250
HOME = "home"  # nobody leaves it
OTHERS = ("tea", "milk")  # everybody comes and goes
NOT_FOR_LAGGING = frozenset({"MSG", "PONG"})  # what a bridge drops between PAUSE and the server's RESUME


class Guest:
    """What one user's client knows: the last id that it has."""

    def __init__(self, nickname: str) -> None:
        self.nickname = nickname
        self.token: str | None = None
        self.opened = 0  # READY's id of its first opening
        self.last: int | None = None
        self.seen: list[int] = []
        self.packets: list[Packet] = []

    def nick(self) -> Packet:
        if self.token is None:
            return {"nickname": self.nickname, "rooms": [HOME]}
        return {"nickname": self.nickname, "token": self.token, "after": self.after}

    @property
    def after(self) -> int:
        return self.opened if self.last is None else self.last

    def take(self, packet: Packet) -> None:
        assert packet["type"] not in ("RETRY", "BYE", "GAP"), packet
        if packet["type"] == "READY":
            if self.token is None:
                self.opened = packet["id"]
            self.token = packet["token"]
        elif packet["type"] == "MSG":
            assert self.last is None or packet["id"] > self.last, (self.nickname, packet, self.seen[-3:])
            self.last = packet["id"]
            self.seen.append(packet["id"])
            self.packets.append(packet)


class Alone:
    """A guest on a connection of its own."""

    def __init__(self, house: House, guest: Guest) -> None:
        self.house = house
        self.guest = guest
        self.begin()

    def begin(self) -> None:
        self.peer = self.house.connect()
        self.peer.send("NICK", **self.guest.nick())

    def take(self) -> None:
        for packet in self.peer.take():
            self.guest.take(packet)

    def send(self, type: str, **fields: Any) -> None:
        self.peer.send(type, **fields)

    def step(self, dice: random.Random) -> None:
        match dice.choice(["congest", "congest", "relieve", "break"]):
            case "congest":
                self.peer.congest()
            case "relieve":
                self.peer.relieve()
            case "break" if self.guest.token is not None:
                self.take()
                self.peer.cut()
                self.begin()

    def recover(self) -> None:
        self.peer.relieve()


class OnLink:
    """A guest behind a bridge; it may be paused."""

    def __init__(self, bridge: "Bridge", number: int, guest: Guest) -> None:
        self.bridge = bridge
        self.number = number
        self.guest = guest
        self.rooms: set[str] = set()
        self.state = "hears"  # "paused", or "resumes" until the server's RESUME

    def send(self, type: str, **fields: Any) -> None:
        self.bridge.peer.send(type, session=self.number, **fields)

    def take(self, packet: Packet) -> None:
        """Take a packet that carries this session."""
        kind, room = packet["type"], packet.get("room")
        if kind == "RESUME":
            assert self.state == "resumes"
            self.state = "hears"
        elif self.state != "hears":
            assert kind != "BYE"
        elif kind == "SUBSCRIBE":
            assert room not in self.rooms
            self.rooms.add(str(room))
        elif kind == "UNSUBSCRIBE":
            self.rooms.remove(str(room))
        else:
            self.guest.take(packet)

    def hear(self, packet: Packet) -> None:
        """Take a packet that went to its room."""
        if self.state == "hears" and packet["room"] in self.rooms:
            self.guest.take(packet)

    def step(self, dice: random.Random) -> None:
        if self.guest.token is None:
            return
        if self.state == "hears":
            self.bridge.take()  # the browser has what came before its PAUSE
            self.send("PAUSE")
            self.state = "paused"
            self.rooms.clear()
        elif self.state == "paused":
            self.recover()

    def recover(self) -> None:
        if self.state == "paused":
            self.send("RESUME", after=self.guest.after)
            self.state = "resumes"


class Bridge:
    """A link with its sessions."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.sessions: dict[int, OnLink] = {}
        self.begin()

    def begin(self) -> None:
        self.peer: Peer = self.house.connect()
        self.peer.send("LINK", name="bridge")
        guests = [session.guest for session in self.sessions.values()]
        self.sessions.clear()
        for guest in guests:
            self.open(guest)

    def open(self, guest: Guest) -> OnLink:
        session = OnLink(self, len(self.sessions) + 1, guest)
        self.sessions[session.number] = session
        self.peer.send("OPEN", session=session.number, address="x")
        session.send("NICK", **guest.nick())
        return session

    def take(self) -> None:
        for packet in self.peer.take():
            if "session" in packet:
                self.sessions[packet["session"]].take(packet)
            elif "room" in packet:
                for session in self.sessions.values():
                    session.hear(packet)

    def step(self, dice: random.Random) -> None:
        match dice.choice(["congest", "congest", "relieve", "relieve", "break"]):
            case "congest":
                self.peer.congest()
            case "relieve":
                self.peer.relieve()
            case "break" if all(session.guest.token is not None for session in self.sessions.values()):
                self.take()
                self.peer.cut()
                self.begin()

    def recover(self) -> None:
        self.peer.relieve()


async def play(house: House, dice: random.Random) -> list[Guest]:
    """Do the steps and let everybody recover."""
    guests = [Guest(f"guest{number}") for number in range(7)]
    alone = [Alone(house, guest) for guest in guests[:3]]
    bridge = Bridge(house)
    for guest in guests[3:]:
        bridge.open(guest)
    await house.settle()
    for step in range(STEPS):
        everybody: list[Alone | OnLink] = [*alone, *bridge.sessions.values()]
        who = dice.choice(everybody)
        what = dice.random()
        if what < 0.5:
            who.send("MSG", room=HOME, message=str(step))
        elif what < 0.6:
            who.send("MSG", to=dice.choice(guests).nickname, message=str(step))
        elif what < 0.7:
            who.send(dice.choice(["JOIN", "LEAVE"]), room=dice.choice(OTHERS))
        elif what < 0.75:
            who.send("MSG", room=dice.choice(OTHERS), message=str(step))
        elif what < 0.8:
            who.send(dice.choice(["HISTORY", "PING", "TOPIC", "TYPING"]), room=HOME, topic=str(step))
        else:
            steppers: list[Alone | OnLink | Bridge] = [*everybody, bridge, bridge]
            dice.choice(steppers).step(dice)
        if dice.random() < 0.2:
            await house.settle()
    takers: list[Alone | Bridge] = [*alone, bridge]
    for each in takers:
        each.recover()
    await house.settle()
    bridge.take()
    for session in bridge.sessions.values():
        session.recover()
    await house.settle()
    for each in takers:
        each.take()
    return guests


def owed(house: House, guest: Guest) -> list[int]:
    """The ids that a guest must have seen: of the home room, and its direct messages."""
    uid = house.server._hub.directory.users[guest.nickname].uid
    if isinstance(house.log, MemoryLog):
        entries = [(entry.id, entry.room, entry.uids) for entry in house.log.entries]
    else:
        rows = house.log._writer.database.execute(
            "SELECT id, key, uid, peer FROM entry LEFT JOIN room ON room = number ORDER BY id"
        )
        entries = [(id, room, (sender, peer)) for id, room, sender, peer in rows]
    return [id for id, room, uids in entries if id > guest.opened and (room == HOME or (room is None and uid in uids))]


@pytest.mark.parametrize("is_on_disk", [False, True], ids=["memory", "sqlite"])
@pytest.mark.parametrize("seed", range(16))
async def test_everybody_sees_everything_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, is_on_disk: bool
) -> None:
    """Any steps; pages small enough that replays take several ticks."""
    dice = random.Random(seed)
    monkeypatch.setattr("tcp_server.delivery.replays.PAGE", dice.choice([3, 7, 256]))
    monkeypatch.setattr("tcp_server.delivery.replays.CATCH_UPS_MAX", dice.choice([1, 2, 16]))
    house = House(SqliteLog(tmp_path, asyncio.get_running_loop()) if is_on_disk else None)
    guests = await play(house, dice)
    for guest in guests:
        seen = [packet["id"] for packet in guest.packets if packet.get("room") not in OTHERS]
        assert seen == owed(house, guest), f"{guest.nickname}, seed {seed}"
    await house.close()
