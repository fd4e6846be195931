"""A scripted server on a real TCP socket, a bridge in this process, and browsers to talk to it.

A test scripts the server packet by packet, so no step depends on timing: each waits for the packet that the step before
it causes.
"""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tcp_server.wordpacket import Decoder, encode
from ws_bridge.bridge import Bridge
from ws_bridge.timing import Timing

Packet = dict[str, Any]

PATIENCE = 10.0  # seconds that a test waits for a packet

# The bridge reconnects at once and has no timeouts; a test that needs one sets it.
TIMING = Timing(reconnect_min=0.001, reconnect_max=0.01, close=0.5, sweep=0.01, look=0.01, ping=1e6, dead=1e6)

HELLO = {"type": "HELLO", "protocol": 1, "server": "fake", "version": "0", "limits": {}, "server_password": False}


class Link:
    """The server's end of one connection of the bridge."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._bodies: list[bytes] = []
        self._decoder = Decoder()

    def say(self, *packets: Packet) -> None:
        """Send packets in one write; as a rule the bridge reads them in one tick."""
        self.write(b"".join(encode(json.dumps(packet, ensure_ascii=False).encode()) for packet in packets))

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def session(self, number: int, **fields: Any) -> None:
        self.say({"session": number, **fields})

    async def hear(self) -> Packet:
        """Return the next packet."""
        async with asyncio.timeout(PATIENCE):
            while not self._bodies:
                data = await self._reader.read(65536)
                if not data:
                    raise EOFError
                self._decoder.feed(data)
                self._bodies.extend(self._decoder)
        packet: Packet = json.loads(self._bodies.pop(0))
        return packet

    async def expect(self, kind: str, **fields: Any) -> Packet:
        """Check the type and these fields of the next packet; return it."""
        packet = await self.hear()
        assert packet.get("type") == kind, packet
        assert {name: packet.get(name) for name in fields} == fields, packet
        return packet

    async def nothing(self) -> None:
        """Check that the bridge has sent no other packet: the answer to a PING comes next."""
        self.say({"type": "PING", "ref": "nothing?"})
        await self.expect("PONG", ref="nothing?")

    async def end(self) -> None:
        """Check that the bridge closes the connection."""
        async with asyncio.timeout(PATIENCE):
            assert await self._reader.read() == b""

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        self._writer.transport.abort()

    async def drain(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._writer.drain()


class FakeServer:
    """Takes the bridge's connections, one after the other."""

    def __init__(self) -> None:
        self._links: asyncio.Queue[Link] = asyncio.Queue()
        self._all: list[Link] = []
        self._listener: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and end all connections."""
        assert self._listener is not None
        self._listener.close()
        for link in self._all:
            link.reset()
        self._all.clear()

    async def connection(self) -> Link:
        async with asyncio.timeout(PATIENCE):
            return await self._links.get()

    async def link(self) -> Link:
        """Take the next connection and make it a link."""
        link = await self.connection()
        link.say(HELLO)
        await link.expect("LINK")
        link.say({"type": "READY", "link": True})
        return link

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(reader, writer)
        self._all.append(link)
        self._links.put_nowait(link)


class FakeBrowser:
    """A browser's WebSocket, spoken by the `websockets` library."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **fields: Any) -> None:
        await self.connection.send(json.dumps(fields, ensure_ascii=False))

    async def hear(self) -> Packet:
        async with asyncio.timeout(PATIENCE):
            packet: Packet = json.loads(await self.connection.recv())
        return packet

    async def expect(self, kind: str, **fields: Any) -> Packet:
        packet = await self.hear()
        assert packet.get("type") == kind, packet
        assert {name: packet.get(name) for name in fields} == fields, packet
        assert "session" not in packet
        return packet

    async def everything(self, kind: str) -> list[Packet]:
        """Return all packets up to the next one of this type, and that one."""
        packets = [await self.hear()]
        while packets[-1].get("type") != kind:
            packets.append(await self.hear())
        return packets

    async def closed(self) -> int:
        """Wait for the end; return the close code."""
        async with asyncio.timeout(PATIENCE):
            await self.connection.wait_closed()
        assert self.connection.close_code is not None
        return self.connection.close_code


class Rig:
    """A bridge between a scripted server and its browsers."""

    def __init__(self, server: FakeServer, bridge: Bridge, port: int) -> None:
        self.server = server
        self.bridge = bridge
        self.port = port
        self._browsers: list[FakeBrowser] = []

    async def browser(self, path: str = "/ws", **options: Any) -> FakeBrowser:
        connection = await connect(
            f"ws://127.0.0.1:{self.port}{path}", compression=None, proxy=None, ping_interval=None, **options
        )
        browser = FakeBrowser(connection)
        self._browsers.append(browser)
        return browser

    async def open(self, link: Link, number: int, **options: Any) -> FakeBrowser:
        """Return a browser that has got its HELLO."""
        browser = await self.browser(**options)
        await link.expect("OPEN", session=number)
        link.session(number, **HELLO)
        await browser.expect("HELLO")
        return browser

    async def enter(self, link: Link, number: int, *rooms: str, id: int = 0, **options: Any) -> FakeBrowser:
        """Return a browser that is in these rooms, with a nickname made of its number."""
        browser = await self.open(link, number, **options)
        await browser.say(type="NICK", nickname=f"u{number}")
        await link.expect("NICK", session=number)
        link.say(ready(number, *rooms, id=id))
        for room in rooms:
            link.session(number, type="SUBSCRIBE", room=room)
        await browser.expect("READY")
        await link.nothing()
        return browser

    async def close(self) -> None:
        for browser in self._browsers:
            browser.connection.transport.abort()
        await self.bridge.close()
        await self.server.stop()


def ready(number: int, *rooms: str, id: int = 0, **fields: Any) -> Packet:
    packet = {
        "session": number,
        "type": "READY",
        "nickname": f"u{number}",
        "token": f"token{number}",
        "epoch": "epoch",
        "id": id,
        "rooms": list(rooms),
        "resumed": False,
    }
    return {**packet, **fields}


def msg(room: str, id: int, **fields: Any) -> Packet:
    """A room's message as the server sends it to every subscriber."""
    return {"type": "MSG", "id": id, "room": room, "nickname": "x", "message": f"m{id}", "timestamp": "t", **fields}
