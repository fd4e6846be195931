"""A member's connection: word packets on a TCP socket, or text messages on a browser's WebSocket."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tcp_server.wordpacket import MAX_BODY, Decoder, encode
from tests.small import shrink

OPEN_SECONDS = 5.0
CHUNK = 64 * 1024


class Lost(Exception):
    """The connection can't be made, or is lost."""


def small_socket(port: int) -> socket.socket:
    """Return a connected socket with small buffers, so that a reader that stops is soon congested."""
    sock = socket.socket()
    shrink(sock)
    sock.connect(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


class Wire(Protocol):
    async def receive(self) -> list[bytes]:
        """Return the next bodies, at least one.

        Raises:
            Lost: the connection has ended.
        """

    async def send(self, bodies: list[bytes]) -> None:
        """Send bodies; on a lost connection do nothing."""

    def cut(self) -> None:
        """End the connection at once, like a cable that is pulled."""


class TcpWire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = Decoder()

    @classmethod
    async def open(cls, port: int, sock: socket.socket | None = None) -> TcpWire:
        """Connect to a port, or go on with a connected socket."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                if sock is not None:
                    return cls(*await asyncio.open_connection(sock=sock))
                return cls(*await asyncio.open_connection("127.0.0.1", port))
        except (OSError, TimeoutError) as error:
            raise Lost(str(error)) from None

    async def receive(self) -> list[bytes]:
        while True:
            try:
                data = await self._reader.read(CHUNK)
            except OSError as error:
                raise Lost(str(error)) from None
            if not data:
                raise Lost("end of stream")
            self._decoder.feed(data)
            bodies = list(self._decoder)
            if bodies:
                return bodies

    async def send(self, bodies: list[bytes]) -> None:
        if self._writer.is_closing():
            return
        try:
            self._writer.write(b"".join(map(encode, bodies)))
            await self._writer.drain()
        except OSError:
            return  # the reader notices it too

    def cut(self) -> None:
        self._writer.transport.abort()


class WebWire:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @classmethod
    async def open(cls, port: int, sock: socket.socket | None = None) -> WebWire:
        """Connect to a port, or go on with a connected socket."""
        address = f"ws://127.0.0.1:{port}/ws"
        try:
            return cls(
                await connect(
                    address,
                    compression=None,
                    max_size=MAX_BODY,
                    ping_interval=None,
                    open_timeout=OPEN_SECONDS,
                    close_timeout=1,
                    proxy=None,
                    sock=sock,
                )
            )
        except (OSError, TimeoutError, InvalidHandshake, EOFError) as error:
            raise Lost(str(error)) from None

    async def receive(self) -> list[bytes]:
        try:
            return [await self._socket.recv(decode=False)]
        except ConnectionClosed as error:
            raise Lost(str(error)) from None

    async def send(self, bodies: list[bytes]) -> None:
        try:
            for body in bodies:
                await self._socket.send(body, text=True)
        except ConnectionClosed:
            return

    def cut(self) -> None:
        self._socket.transport.abort()
