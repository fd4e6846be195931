"""`python -m tests.chaos.slow`: members that stop reading, and what that costs the others (PROTOCOL.md section 5).

A slow reader is a cursor, not a queue: while it sleeps, the server's memory and the others' latency must stay as they
are without a sleeper; when it wakes, it must get every message, in order.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from tests.chaos.children import Child, bridge_child, server_child
from tests.chaos.wires import Lost, TcpWire, WebWire, Wire, small_socket

ROOM = "lobby"
READERS = 2  # awake members of each kind, beside the speaker
TICK_SECONDS = 0.005
SAMPLE_SECONDS = 0.25
ARRIVE_SECONDS = 30.0  # from sending the last message until every member must have it
WAKE_SECONDS = 120.0


@dataclass(frozen=True)
class Scene:
    """One experiment: the sleepers at terminals and in browsers, and the messages that pass meanwhile."""

    messages: int
    per_second: int
    terminals: int = 0
    browsers: int = 0
    characters: int = 100


@dataclass(frozen=True)
class Outcome:
    """The results of a scene.

    Attributes:
        growth: of each process's memory, from before the first message to the peak, in bytes.
        latencies: from sending to hearing, in seconds and sorted, for an awake terminal and an awake browser.
        wake_seconds: until the sleepers had every message.
    """

    growth: dict[str, int]
    latencies: dict[str, list[float]]
    wake_seconds: float
    wrongs: list[str]

    def percentile(self, place: str, percent: int) -> float:
        return self.latencies[place][len(self.latencies[place]) * percent // 100]


class _Packet(msgspec.Struct):
    type: str
    message: str = ""


_decode = msgspec.json.Decoder(_Packet).decode


class Listener:
    """A member that checks the numbers that it hears: each once, in order.

    Args:
        unmeasured: the number of messages whose latency is not noted.
    """

    def __init__(self, nickname: str, wire: Wire, unmeasured: int = 0) -> None:
        self.nickname = nickname
        self.unmeasured = unmeasured
        self.wire = wire
        self.heard = 0
        self.latencies: list[float] = []
        self.wrongs: list[str] = []

    async def enter(self) -> None:
        """Go through the opening; `listen` takes the packets after it."""
        nick = {"type": "NICK", "nickname": self.nickname, "rooms": [ROOM]}
        await self.wire.send([msgspec.json.encode(nick)])
        while all(_decode(body).type != "READY" for body in await self.wire.receive()):
            pass

    async def listen(self, count: int) -> None:
        """Hear this many messages."""
        while self.heard < count:
            try:
                bodies = await self.wire.receive()
            except Lost as lost:
                self.wrongs.append(f"{self.nickname}: cut off after {self.heard} of {count}: {lost}")
                return
            now = time.monotonic()
            for body in bodies:
                packet = _decode(body)
                if packet.type == "MSG":
                    self._hear(packet.message, now)
                elif packet.type in ("GAP", "BYE", "ERROR"):
                    self.wrongs.append(f"{self.nickname}: got {body.decode()} after {self.heard}")

    def _hear(self, message: str, now: float) -> None:
        number, sent, _ = message.split(" ", 2)
        if int(number) != self.heard:
            self.wrongs.append(f"{self.nickname}: heard {number} when {self.heard} was due")
        self.heard += 1
        if self.heard > self.unmeasured:
            self.latencies.append(now - float(sent))


async def play(scene: Scene) -> Outcome:
    """Play a scene once, with processes of its own."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        server = server_child(Path(folder, "data"), Path(folder))
        bridge: Child | None = None
        try:
            await server.start()
            bridge = bridge_child(1, server.port, Path(folder))
            await bridge.start()
            return await _play(scene, server, bridge)
        finally:
            for child in (server, bridge):
                if child is not None:
                    await child.kill()


async def _play(scene: Scene, server: Child, bridge: Child) -> Outcome:
    falling_asleep = scene.messages // 4  # until its buffers are full, a sleeper costs as much as a reader
    terminals = [Listener(f"t{n}", await TcpWire.open(server.port), falling_asleep) for n in range(READERS)]
    browsers = [Listener(f"b{n}", await WebWire.open(bridge.port), falling_asleep) for n in range(READERS)]
    talker = Listener("talker", await TcpWire.open(server.port))
    sleepers = []
    for number in range(scene.terminals):
        wire: Wire = await TcpWire.open(server.port, small_socket(server.port))
        sleepers.append(Listener(f"asleep-t{number}", wire))
    for number in range(scene.browsers):
        wire = await WebWire.open(bridge.port, small_socket(bridge.port))
        sleepers.append(Listener(f"asleep-b{number}", wire))
    everybody = [*terminals, *browsers, talker, *sleepers]
    for listener in everybody:
        await listener.enter()
    before = {child.name: child.memory() for child in (server, bridge)}
    peak = dict(before)
    watching = asyncio.create_task(_watch((server, bridge), peak))
    try:
        wake_seconds = await _sleep_and_wake(scene, talker, [*terminals, *browsers], sleepers)
    finally:
        watching.cancel()
        for listener in everybody:
            listener.wire.cut()
    return Outcome(
        growth={name: peak[name] - before[name] for name in before},
        latencies={"terminal": _latencies(terminals), "browser": _latencies(browsers)},
        wake_seconds=wake_seconds,
        wrongs=[wrong for listener in everybody for wrong in listener.wrongs],
    )


async def _sleep_and_wake(scene: Scene, talker: Listener, awake: list[Listener], sleepers: list[Listener]) -> float:
    """Let all messages pass, then wake the sleepers; return the seconds until they had every message."""
    async with asyncio.timeout(scene.messages / scene.per_second + ARRIVE_SECONDS):
        await asyncio.gather(
            _talk(talker.wire, scene), *(listener.listen(scene.messages) for listener in (*awake, talker))
        )
    start = time.monotonic()
    async with asyncio.timeout(WAKE_SECONDS):
        await asyncio.gather(*(sleeper.listen(scene.messages) for sleeper in sleepers))
    return time.monotonic() - start


def _latencies(listeners: list[Listener]) -> list[float]:
    return sorted(latency for listener in listeners for latency in listener.latencies)


async def _talk(wire: Wire, scene: Scene) -> None:
    """Say all messages at an even pace, without waiting for echoes."""
    start = time.monotonic()
    sent = 0
    while sent < scene.messages:
        due = min(scene.messages, int((time.monotonic() - start) * scene.per_second) + 1)
        await wire.send([_message(number, scene.characters) for number in range(sent, due)])
        sent = due
        await asyncio.sleep(TICK_SECONDS)


def _message(number: int, characters: int) -> bytes:
    text = f"{number} {time.monotonic():.6f} ".ljust(characters, "x")
    return msgspec.json.encode({"type": "MSG", "room": ROOM, "message": text, "ref": f"message-{number}"})


async def _watch(children: tuple[Child, ...], peak: dict[str, int]) -> None:
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        for child in children:
            peak[child.name] = max(peak[child.name], child.memory())


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.chaos.slow", description=__doc__)
    add = parser.add_argument
    add("--messages", type=int, default=100_000, help="that pass while a member sleeps (default: %(default)d)")
    add("--rate", type=int, default=2_500, help="messages per second (default: %(default)d)")
    add("--crowd", type=int, default=200, help="sleepers at once in the last scenes (default: %(default)d)")
    add("--repeat", type=int, default=1, help="how often each scene is played (default: %(default)d)")
    options = parser.parse_args()
    one = Scene(options.messages, options.rate)
    many = Scene(options.messages // 10, options.rate // 5)
    for _ in range(options.repeat):
        for nobody, name in ((one, "one"), (many, "crowd")):
            count = 1 if nobody is one else options.crowd
            without = asyncio.run(play(nobody))
            print(f"{nobody.messages} messages, {nobody.per_second} a second, nobody asleep", flush=True)
            _show(without)
            for terminals, browsers in ((count, 0), (0, count)):
                asleep = asyncio.run(play(replace(nobody, terminals=terminals, browsers=browsers)))
                print(f"{name}: {terminals} terminals and {browsers} browsers asleep", flush=True)
                _show(asleep, without)


def _show(outcome: Outcome, without: Outcome | None = None) -> None:
    """Print an outcome beside the outcome without sleepers."""
    for child, growth in outcome.growth.items():
        more = f", {(growth - without.growth[child]) / 2**20:+.1f} more than without" if without else ""
        print(f"  {child} grew by {growth / 2**20:.1f} MiB{more}")
    for place in outcome.latencies:
        for percent in (50, 99):
            late = outcome.percentile(place, percent)
            times = f", {late / without.percentile(place, percent):.2f} times as without" if without else ""
            print(f"  {place} p{percent} {late * 1000:.2f} ms{times}")
    if without:
        print(f"  they had everything {outcome.wake_seconds:.1f} s after waking")
    for wrong in outcome.wrongs:
        print(f"  WRONG  {wrong}")


if __name__ == "__main__":
    main()
