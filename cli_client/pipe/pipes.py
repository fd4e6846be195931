"""Standard input and output, read and written by threads of their own.

A regular file can't be polled, and a pipe whose reader has stopped would block the event loop; threads serve both. The
threads are daemons on bare file descriptors: the program's end waits for no line that never comes.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator

READ_BYTES = 65_536
LINES_MAX = 256  # that wait in memory, in each direction


class Lines:
    """The lines of a file descriptor, as text without line ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._free = threading.Semaphore(LINES_MAX)

    async def __aiter__(self) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), daemon=True, name="input").start()
        while (line := await self._queue.get()) is not None:
            self._free.release()
            yield line

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        left = b""
        with contextlib.suppress(RuntimeError):  # the loop has ended before the input
            while data := self._some():
                *whole, left = (left + data).split(b"\n")
                for line in whole:
                    self._put(loop, line.removesuffix(b"\r").decode(errors="replace"))
            if left:
                self._put(loop, left.decode(errors="replace"))
            self._put(loop, None)

    def _some(self) -> bytes:
        try:
            return os.read(self._descriptor, READ_BYTES)
        except OSError:  # the terminal was closed
            return b""

    def _put(self, loop: asyncio.AbstractEventLoop, line: str | None) -> None:
        """Hand a line over, once fewer than `LINES_MAX` lines wait."""
        self._free.acquire()
        loop.call_soon_threadsafe(self._queue.put_nowait, line)


class OutputPipe:
    """A file descriptor to write to. `write` never blocks; `ready` waits until few writes are left.

    Attributes:
        broken: set once the reader has gone away; later writes are dropped.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._work = threading.Condition()
        self._eased = asyncio.Event()
        self._busy = False
        self.broken = asyncio.Event()
        threading.Thread(target=self._run, daemon=True, name="output").start()

    def write(self, data: bytes) -> None:
        """Have some bytes written, in order."""
        with self._work:
            self._waiting.append(data)
            self._work.notify()

    async def ready(self, at_most: int = LINES_MAX) -> None:
        """Wait until no more than `at_most` writes are waiting, or the reader has gone away."""
        while not self.broken.is_set():
            self._eased.clear()
            with self._work:
                if len(self._waiting) + self._busy <= at_most:
                    return
            await self._eased.wait()

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before the output
            while True:
                with self._work:
                    self._work.wait_for(lambda: self._waiting)
                    data = b"".join(self._waiting)
                    self._waiting.clear()
                    self._busy = True
                try:
                    while data:
                        data = data[os.write(self._descriptor, data) :]
                except OSError:
                    self._loop.call_soon_threadsafe(self.broken.set)
                with self._work:
                    self._busy = False
                self._loop.call_soon_threadsafe(self._eased.set)
