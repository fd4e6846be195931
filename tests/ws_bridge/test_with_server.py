"""The bridge with the real server in a process of its own, for the promises that a scripted server can't show."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.small import shrink
from tests.ws_bridge.rig import PATIENCE, TIMING, FakeBrowser, Packet
from ws_bridge.bridge import Bridge, BridgeSettings

START_PATIENCE = 20.0  # seconds; a loaded machine starts Python slowly


class Server:
    """`python -m tcp_server` on one port and one data folder, again and again."""

    def __init__(self, folder: Path) -> None:
        self.port = 0
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tcp_server",
            str(self.port),
            "--host",
            "127.0.0.1",
            "--data",
            str(self._folder),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_PATIENCE):
            line = (await self._process.stdout.readline()).decode()
        found = re.search(r"listening on .*:(\d+)", line)
        assert found is not None, line
        self.port = int(found[1])

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.communicate()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path / "data")
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def bridge(server: Server, web: Path) -> AsyncIterator[Bridge]:
    """A bridge before the server."""
    bridge = Bridge(BridgeSettings(("127.0.0.1", server.port), web, "127.0.0.1", 0), TIMING)
    yield bridge
    await bridge.close()


@pytest.fixture
async def port(bridge: Bridge) -> int:
    return await bridge.start()


async def enter(port: int, nickname: str, **options: Any) -> FakeBrowser:
    """A browser in `lobby`."""
    connection = await connect(f"ws://127.0.0.1:{port}/ws", compression=None, proxy=None, **options)
    browser = FakeBrowser(connection)
    await browser.everything("HELLO")  # a NOTICE may come before, if the link is not there yet
    await browser.say(type="NICK", nickname=nickname)
    await browser.everything("ROOM")
    return browser


async def messages(browser: FakeBrowser, count: int) -> list[Packet]:
    """Read this number of MSGs; return them."""
    heard: list[Packet] = []
    while len(heard) < count:
        packet = await browser.hear()
        if packet["type"] == "MSG":
            heard.append(packet)
    return heard


async def test_a_crash_of_the_server(server: Server, port: int) -> None:
    """Sockets stay, sessions resume, held messages are sent once, and no message is seen twice."""
    ann, bob = await enter(port, "ann"), await enter(port, "bob")
    await ann.say(type="MSG", room="lobby", message="one", ref="ref-one")
    first = (await messages(ann, 1))[0]
    assert (await messages(bob, 1))[0]["id"] == first["id"]
    await server.kill()
    await ann.everything("NOTICE")
    await ann.say(type="MSG", room="lobby", message="two", ref="ref-two")
    await server.start()
    for browser in (ann, bob):
        packets = await browser.everything("READY")
        assert packets[-1]["resumed"] is True
        assert "HELLO" not in [packet["type"] for packet in packets]
        (second,) = await messages(browser, 1)
        assert (second["message"], second["nickname"]) == ("two", "ann")
        assert second["id"] > first["id"]
    await bob.say(type="MSG", room="lobby", message="three")
    assert [(await messages(browser, 1))[0]["message"] for browser in (ann, bob)] == ["three", "three"]
    for browser in (ann, bob):
        await browser.connection.close()


async def test_a_slow_browser_gets_everything(bridge: Bridge, port: int) -> None:
    """A browser that sleeps while its room is busy is caught up from the log, in order and without a hole."""
    sock = socket.socket()
    shrink(sock)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    slow = await enter(port, "slow", sock=sock, max_queue=1)
    ann = await enter(port, "ann")
    count = 2000
    for start in range(0, count, 50):
        for number in range(start, start + 50):
            await ann.say(type="MSG", room="lobby", message=f"{number} {'x' * 4000}")
        await messages(ann, 50)
    async with asyncio.timeout(4 * PATIENCE):
        heard = await messages(slow, count)
    assert [int(packet["message"].split()[0]) for packet in heard] == list(range(count))
    assert bridge.stats.pauses > 0
    await slow.say(type="PING", ref="after all")
    assert (await slow.everything("PONG"))[-1]["id"] == heard[-1]["id"]
    for browser in (ann, slow):
        await browser.connection.close()
