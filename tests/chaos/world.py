"""The parts of a chaos run: server, bridges, the bad lines between them, and the crowd."""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from random import Random

from tests.chaos.children import Child, bridge_child, server_child
from tests.chaos.crowd import Crowd
from tests.chaos.member import Packet
from tests.chaos.proxy import Proxy
from tests.chaos.wires import TcpWire, WebWire


class World:
    """The whole chat under test.

    After making one: `await open()`; at the end always `await close()`.

    Args:
        folder: for the data folder and the programs' error logs; empty.
        terminals, browsers: the number of clients over TCP, and over the bridges in turn.
        server_module: Python's arguments that start the server; see `sabotage`.

    Attributes:
        door: between terminals and server.
        links: between each bridge and the server.
        doors: between browsers and each bridge.
    """

    def __init__(
        self,
        folder: Path,
        random: Random,
        *,
        terminals: int,
        browsers: int,
        bridges: int,
        server_module: tuple[str, ...] = ("-m", "tcp_server"),
    ) -> None:
        self.data = folder / "data"
        self.server = server_child(self.data, folder, module=server_module)
        self.door = Proxy(partial(_port, self.server))
        self.links = [Proxy(partial(_port, self.server)) for _ in range(bridges)]
        self.bridges = [bridge_child(number + 1, link.port, folder) for number, link in enumerate(self.links)]
        self.doors = [Proxy(partial(_port, bridge)) for bridge in self.bridges]
        self.crowd = Crowd(
            random,
            [partial(TcpWire.open, self.door.port)] * terminals,
            [partial(WebWire.open, self.doors[number % bridges].port) for number in range(browsers)],
        )

    @property
    def children(self) -> list[Child]:
        return [self.server, *self.bridges]

    async def open(self) -> None:
        """Start all parts, and wait until all clients are in their rooms."""
        for proxy in (self.door, *self.links, *self.doors):
            proxy.start()
        for child in self.children:
            await child.start()
        await self.crowd.enter()

    async def log(self) -> list[Packet]:
        """Return all messages of the log, as `export` writes them."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tcp_server",
            "export",
            "-",
            "--data",
            str(self.data),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await process.communicate()
        return [packet for packet in map(json.loads, output.splitlines()) if packet["type"] == "MSG"]

    def complaints(self) -> list[str]:
        """Return the tracebacks that the programs logged."""
        return [f"{child.name} logged a traceback: {text}" for child in self.children for text in child.complaints()]

    async def close(self) -> None:
        try:
            await self.crowd.leave()
        finally:
            for proxy in (self.door, *self.links, *self.doors):
                await proxy.close()
            for child in self.children:
                await child.kill()


def _port(child: Child) -> int:
    return child.port
