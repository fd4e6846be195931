"""A bad line: a TCP proxy whose connections can be reset, stalled and throttled."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from tests.small import BUFFER, shrink

CHUNK = 16 * 1024
BACKLOG = 1024
SLICES_PER_SECOND = 20  # of a throttled line

_LINGER_NOT = struct.pack("ii", 1, 0)  # close sends RST and drops unsent bytes


class Line:
    """One connection through the proxy: two sockets, and the line between them."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self._near = near
        self._far = far
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._stalls = 0
        self._bytes_per_second = 0  # 0: no limit
        self._pumps: list[asyncio.Task[None]] = []

    def reset(self) -> None:
        """Reset the connection on both sides; bytes under way are lost."""
        for sock in (self._near, self._far):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        for pump in self._pumps:
            pump.cancel()

    async def stall(self, seconds: float) -> None:
        """Pass no byte on for a while, in both directions."""
        self._stalls += 1
        self._is_open.clear()
        await asyncio.sleep(seconds)
        self._stalls -= 1
        if not self._stalls:
            self._is_open.set()

    async def throttle(self, bytes_per_second: int, seconds: float) -> None:
        """Pass on at most this many bytes a second for a while, in each direction."""
        self._bytes_per_second = bytes_per_second
        await asyncio.sleep(seconds)
        self._bytes_per_second = 0

    async def carry(self) -> None:
        """Pass bytes on in both directions until the connection ends, then close it."""
        start = asyncio.get_running_loop().create_task
        self._pumps = [start(self._pump(self._near, self._far)), start(self._pump(self._far, self._near))]
        try:
            await asyncio.wait(self._pumps, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            if not all(pump.done() and not pump.cancelled() and pump.exception() is None for pump in self._pumps):
                self.reset()
                await asyncio.gather(*self._pumps, return_exceptions=True)
            self._near.close()
            self._far.close()

    async def _pump(self, source: socket.socket, target: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(source, CHUNK):
            await self._is_open.wait()
            while data:
                size = self._bytes_per_second // SLICES_PER_SECOND or len(data)
                await loop.sock_sendall(target, data[:size])
                data = data[size:]
                if self._bytes_per_second:
                    await asyncio.sleep(1 / SLICES_PER_SECOND)
        await self._is_open.wait()
        target.shutdown(socket.SHUT_WR)


class Proxy:
    """Listens on a free port, and passes each connection on to the present `target`.

    A connection is reset if nothing listens at the target. After making one: `start()`, and at the end `await close()`.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        self.lines: list[Line] = []
        self.has_line = asyncio.Event()
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> None:
        self._start(self._accept())

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            near, _ = await loop.sock_accept(self._listener)
            self._start(self._serve(near))

    async def _serve(self, near: socket.socket) -> None:
        far = socket.socket()
        for sock in (near, far):
            sock.setblocking(False)
            shrink(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(near, far)
        try:
            await asyncio.get_running_loop().sock_connect(far, ("127.0.0.1", self._target()))
        except BaseException as error:
            line.reset()
            near.close()
            far.close()
            if isinstance(error, OSError):
                return
            raise
        self.lines.append(line)
        self.has_line.set()
        try:
            await line.carry()
        finally:
            self.lines.remove(line)
            if not self.lines:
                self.has_line.clear()
