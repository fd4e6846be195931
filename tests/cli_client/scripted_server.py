"""A server that says what a test tells it to say, and nothing else: it cuts, repeats, drops and refuses.

Every step waits for the one before it, so that a test has one course.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeAlias, TypeVar

from cli_client.library.client import Client
from tcp_server.protocol import client_packets, server_packets
from tcp_server.wordpacket import Decoder, encode

STEP_SECONDS = 5.0  # that a step may take before the test has failed
NOON = "2026-11-22T12:00:00.000Z"

Open: TypeAlias = Callable[..., Awaitable[tuple[Client, "Peer"]]]  # what the fixture `opened` is

_Request = TypeVar("_Request", bound=client_packets.ClientPacket)


def msg(number: int, text: str = "hello", nickname: str = "bob", **fields: Any) -> server_packets.Msg:
    """Return a message as the log has it, in the lobby unless `to` or `room` says otherwise."""
    where = {} if "to" in fields or "room" in fields else {"room": "lobby"}
    return server_packets.Msg(id=number, nickname=nickname, message=text, timestamp=NOON, **where, **fields)


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = Decoder()
        self._bodies: list[bytes] = []
        self.opening: client_packets.Nick | None = None

    def say(self, *packets: server_packets.ServerPacket) -> None:
        """Send packets."""
        for packet in packets:
            self._writer.write(encode(server_packets.format(packet)))

    def say_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def expect(self, kind: type[_Request]) -> _Request:
        """Return the next packet of the client, which has to be of this kind; TYPING is passed over."""
        while True:
            request = await self.next()
            if isinstance(request, client_packets.Typing) and kind is not client_packets.Typing:
                continue
            assert isinstance(request, kind), f"expected {kind.__name__}, got {request}"
            return request

    async def next(self) -> client_packets.ClientPacket:
        async with asyncio.timeout(STEP_SECONDS):
            while not self._bodies:
                data = await self._reader.read(65_536)
                if not data:
                    raise EOFError("the client closed the connection")
                self._decoder.feed(data)
                self._bodies += self._decoder
        return client_packets.parse(self._bodies.pop(0))

    async def closed(self) -> None:
        """Wait until the client has closed the connection."""
        try:
            while True:
                await self.next()
        except (EOFError, ConnectionError):
            pass

    async def open(
        self,
        *,
        last: int = 0,
        resumed: bool = False,
        epoch: str = "e1",
        missed: tuple[server_packets.ServerPacket, ...] = (),
        rooms: tuple[str, ...] = ("lobby",),
        nickname: str | None = None,
        live: bool = True,
    ) -> client_packets.Nick:
        """Let the client in: HELLO, NICK, READY, the ROOMs, what it missed, and the PONG that ends it."""
        nick = await self.greet()
        self.say(
            server_packets.Ready(
                nickname=nickname or nick.nickname,
                token=f"token-of-{nick.nickname}",
                epoch=epoch,
                id=last,
                rooms=list(rooms),
                resumed=resumed,
                ref=client_packets.given(nick.ref),
            ),
            *(server_packets.RoomState(room=room, count=1, topic="", users=[nick.nickname], id=last) for room in rooms),
            *missed,
        )
        if live:
            await self.pong(last)
        return nick

    async def greet(self, **fields: Any) -> client_packets.Nick:
        """Say HELLO and return the NICK that answers it."""
        hello = {"protocol": 1, "server": "scripted", "version": "0", "server_password": False}
        self.say(server_packets.Hello(limits=server_packets.Limits(), **(hello | fields)))
        self.opening = await self.expect(client_packets.Nick)
        return self.opening

    async def pong(self, last: int) -> None:
        """Answer the next PING."""
        ping = await self.expect(client_packets.Ping)
        self.say(server_packets.Pong(id=last, ref=client_packets.given(ping.ref)))

    async def echo(self, number: int, nickname: str = "alice") -> client_packets.Msg:
        """Take the next MSG into the log under this id and return it."""
        said = await self.expect(client_packets.Msg)
        self.say(echo_of(said, number, nickname))
        return said

    def cut(self) -> None:
        """End the connection without a word, with a reset."""
        self._writer.transport.abort()

    def close(self) -> None:
        """End the connection in order."""
        self._writer.close()


def echo_of(said: client_packets.Msg, number: int, nickname: str = "alice") -> server_packets.Msg:
    """Return a client's MSG as the log has it."""
    given = client_packets.given
    return server_packets.Msg(
        id=number,
        nickname=nickname,
        message=said.message,
        timestamp=NOON,
        room=given(said.room),
        to=given(said.to),
        action=given(said.action),
        ref=given(said.ref),
    )


class ScriptedServer:
    """Listens on a free port; `accepted` returns each connection as it comes."""

    def __init__(self) -> None:
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._peers.put_nowait(Peer(reader, writer))

    async def accepted(self) -> Peer:
        """Return the next connection."""
        async with asyncio.timeout(STEP_SECONDS):
            return await self._peers.get()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
