"""Standard input and output, read and written by threads of their own.

A regular file can't be polled, and a pipe whose reader has stopped would block the event loop; threads serve both. The
threads are daemons on bare file descriptors: the program's end waits for no line that never comes. Another program may
have made a descriptor non-blocking, for all who share it: a thread then waits until it is ready.
"""

import asyncio
import codecs
import contextlib
import errno
import os
import select
import threading
from collections.abc import AsyncIterator

READ_BYTES = 65_536
LINE_BYTES_MAX = 65_536  # twice a message's longest text; a longer line is refused before it is kept
LINES_MAX = 256  # that wait in memory, in each direction


class LineTooLong(Exception):
    """A line of the input has more than `LINE_BYTES_MAX` bytes; nothing of it was kept."""

    def __str__(self) -> str:
        return f"not sent: a line has more than {LINE_BYTES_MAX:,} bytes"


class Lines:
    """The lines of a file descriptor, as text without line ends; a fault stands in the place of its line.

    The fault is `LineTooLong`, or the `OSError` at which the input ends.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_terminal = os.isatty(descriptor)
        self._queue: asyncio.Queue[str | LineTooLong | OSError | None] = asyncio.Queue()
        self._free = threading.Semaphore(LINES_MAX)
        self._left = b""  # the beginning of a line whose end was not read yet
        self._skips = False  # that line is too long

    async def __aiter__(self) -> AsyncIterator[str | LineTooLong | OSError]:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), daemon=True, name="input").start()
        while (line := await self._queue.get()) is not None:
            self._free.release()
            yield line

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before the input
            try:
                self._split(loop)
            except OSError as error:
                if not (self._is_terminal and error.errno == errno.EIO):  # else the terminal was closed: an end
                    self._put(loop, error)
            self._put(loop, None)

    def _split(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cut the input into lines, from its first byte to its end."""
        data = self._some()
        while data and len(data) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(data):
            more = self._some()
            if not more:
                break
            data += more
        data = self._some() if data == codecs.BOM_UTF8 else data.removeprefix(codecs.BOM_UTF8)
        while data:
            *ends, rest = data.split(b"\n")
            for end in ends:
                self._extend(loop, end)
                self._end_line(loop)
            self._extend(loop, rest)
            data = self._some()
        if self._left:
            self._end_line(loop)

    def _extend(self, loop: asyncio.AbstractEventLoop, data: bytes) -> None:
        """Add to the present line; at the byte that is too much, refuse it and keep nothing of it."""
        if self._skips:
            return
        self._left += data
        if len(self._left) > LINE_BYTES_MAX:
            self._skips, self._left = True, b""
            self._put(loop, LineTooLong())

    def _end_line(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._skips:
            self._put(loop, self._left.removesuffix(b"\r").decode(errors="replace"))
        self._skips, self._left = False, b""

    def _some(self) -> bytes:
        """Return the bytes that come next, and none at the end."""
        while True:
            try:
                return os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                _wait(self._descriptor, select.POLLIN)

    def _put(self, loop: asyncio.AbstractEventLoop, line: str | LineTooLong | OSError | None) -> None:
        """Hand a line over, once fewer than `LINES_MAX` lines wait."""
        self._free.acquire()
        loop.call_soon_threadsafe(self._queue.put_nowait, line)


class OutputPipe:
    """A file descriptor to write to. `write` never blocks; `ready` waits until few writes are left.

    Attributes:
        broken: set once nothing can be written any more; later writes are dropped.
        fault: why; None if the reader has gone away.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._work = threading.Condition()
        self._eased = asyncio.Event()
        self._busy = False
        self.broken = asyncio.Event()
        self.fault: OSError | None = None
        threading.Thread(target=self._run, daemon=True, name="output").start()

    def write(self, data: bytes) -> None:
        """Have some bytes written, in order."""
        if self.broken.is_set():
            return
        with self._work:
            self._waiting.append(data)
            self._work.notify()

    async def ready(self, at_most: int = LINES_MAX) -> None:
        """Wait until no more than `at_most` writes are waiting, or nothing can be written any more."""
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
                    write_whole(self._descriptor, data)
                except OSError as error:
                    self.fault = None if isinstance(error, BrokenPipeError) else error
                    self._loop.call_soon_threadsafe(self.broken.set)
                with self._work:
                    self._busy = False
                self._loop.call_soon_threadsafe(self._eased.set)


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of some bytes, however long the reader takes.

    Raises:
        OSError: they can't be written.
    """
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            _wait(descriptor, select.POLLOUT)


def _wait(descriptor: int, event: int) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    poll.poll()
