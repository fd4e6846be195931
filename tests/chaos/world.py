"""Everything that a chaos run consists of: server, bridges, bad lines between them, and the crowd that chats."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from tests.chaos.children import Child, bridge_child, server_child
from tests.chaos.client import Client, Connect
from tests.chaos.member import Member, Packet
from tests.chaos.proxy import Proxy
from tests.chaos.wires import TcpWire, WebWire

ROOMS = ["harbour", "kitchen", "library", "garden", "attic"]
ROOMS_EACH = 3
DIRECT = 0.1  # share of what is said that is said to one other
LONG = 0.02  # share that has the greatest length
LONG_CHARACTERS = 8_000
SHORT_CHARACTERS = 200
HASTY = 0.25  # share of members
NERVOUS = 0.2
READY_SECONDS = 30.0


class World:
    """The whole chat under test.

    After making one: `await open()`, `speak` while the faults happen, `await settle()`, then look at `members` and
    `log`; at the end always `await close()`.

    Args:
        folder: for the data folder and the programs' error logs; empty.
        terminals, browsers: how many clients come over TCP, and over each of the bridges in turn.
        server_module: how Python starts the server; see `sabotage`.
    """

    def __init__(
        self, folder: Path, random: Random, *, terminals: int, browsers: int, bridges: int,
        server_module: tuple[str, ...] = ("-m", "tcp_server"),
    ) -> None:  # fmt: skip
        self.random = random
        self._stirred = asyncio.Event()
        self.data = folder / "data"
        self.server = server_child(self.data, folder, module=server_module)
        self.door = Proxy(lambda: self.server.port)  # of the terminals
        self.links = [Proxy(lambda: self.server.port) for _ in range(bridges)]
        self.bridges = [bridge_child(number + 1, link.port, folder) for number, link in enumerate(self.links)]
        self.doors = [Proxy(partial(_port, bridge)) for bridge in self.bridges]  # of the browsers
        self.terminals = [self._client("t", n, partial(TcpWire.open, self.door.port)) for n in range(terminals)]
        self.browsers = [
            self._client("w", n, partial(WebWire.open, self.doors[n % bridges].port)) for n in range(browsers)
        ]
        self._speaking: list[asyncio.Task[None]] = []

    @property
    def clients(self) -> list[Client]:
        return self.terminals + self.browsers

    @property
    def members(self) -> list[Member]:
        return [client.member for client in self.clients]

    def _client(self, kind: str, number: int, connect: Connect) -> Client:
        random = Random(self.random.getrandbits(64))
        rooms = random.sample(ROOMS, ROOMS_EACH)
        hasty, nervous = random.random() < HASTY, random.random() < NERVOUS
        member = Member(f"{kind}{number}", rooms, random, hasty=hasty, nervous=nervous)
        return Client(member, connect, random, self._stirred)

    async def open(self) -> None:
        """Start it all and wait until everybody is in all rooms."""
        await self.server.start()
        for proxy in (self.door, *self.links, *self.doors):
            proxy.start()
        for bridge in self.bridges:
            await bridge.start()
        for client in self.clients:
            client.start()
        async with asyncio.timeout(READY_SECONDS):
            for client in self.clients:
                await client.entered.wait()
        for client in self.clients:  # what came before this answer is all that the others' arrival brought
            await client.ask({"type": "PING"})
            client.member.is_steady = True

    def speak(self, per_second: float) -> None:
        """Let everybody talk from now on, each so often on the average."""
        start = asyncio.get_running_loop().create_task
        self._speaking = [start(self._speak(client, per_second)) for client in self.clients]

    async def hush(self) -> None:
        for task in self._speaking:
            task.cancel()
        await asyncio.gather(*self._speaking, return_exceptions=True)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is true that only what clients hear can make true."""
        while not condition():
            self._stirred.clear()
            await self._stirred.wait()

    async def settle(self, seconds: float) -> None:
        """Wait until everything said is acknowledged and everything logged has arrived, or for so long."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(self._settle(client) for client in self.clients))
        except TimeoutError:
            return  # the checks say what is missing

    async def log(self) -> list[Packet]:
        """Return all messages of the log, as `export` writes them."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tcp_server", "export", "-", "--data", str(self.data),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        output, _ = await process.communicate()
        return [packet for packet in map(json.loads, output.splitlines()) if packet["type"] == "MSG"]

    async def close(self) -> None:
        await self.hush()
        results = await asyncio.gather(*(client.stop() for client in self.clients), return_exceptions=True)
        for proxy in (self.door, *self.links, *self.doors):
            await proxy.close()
        for child in (self.server, *self.bridges):
            await child.kill()
        errors = [result for result in results if isinstance(result, Exception)]
        if errors:
            raise ExceptionGroup("the test's own clients failed", errors)

    async def _speak(self, client: Client, per_second: float) -> None:
        member, random = client.member, Random(client.member.nickname)
        for number in range(1, sys.maxsize):
            await asyncio.sleep(random.expovariate(per_second))
            length = LONG_CHARACTERS if random.random() < LONG else random.randrange(SHORT_CHARACTERS)
            text = f"{member.nickname} says {number}: ".ljust(length, "…")
            if random.random() < DIRECT:
                client.say(text, to=random.choice(self.members).nickname)
            else:
                client.say(text, room=random.choice(member.rooms))

    async def _settle(self, client: Client) -> None:
        while client.member.outbox:
            client.again()
            await client.ask({"type": "PING"})  # a message and its PING go the same way, so this is no busy wait
        await client.ask({"type": "PING"})


def _port(child: Child) -> int:
    return child.port
