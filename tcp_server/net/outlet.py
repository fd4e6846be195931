"""An outlet: bytes to a socket at once, past the event loop's queue (the innermost line of every fan-out).

An event loop's transport queues bytes and writes them later: uvloop by the end of the turn, which touches ten times the
memory of the write itself. That is a fifth of the cost of a lone message to 200 members. So a write goes straight to
the kernel. Only the bytes that the kernel doesn't take, and all bytes behind them, go through the transport, whose
marks then tell that the other side is slow.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

NOT_DIRECT = -1  # no descriptor of this number exists, so a write to it fails at once


class Outlet:
    """The end of a connection that bytes are written to; a base for its protocol.

    After calling `begin_writing`:
    - you must write by `write` and `write_all` alone, and abort by `abort`, or the order is lost;
    - you must call `end_writing` in `connection_lost` at the latest: the descriptor is another's after that.
    """

    __slots__ = ("_direct", "_fd", "transport")

    transport: asyncio.Transport

    def begin_writing(self, transport: asyncio.Transport) -> None:
        """Take a transport; bytes may have been written to it before.

        All bytes go through a transport that encrypts them: on its descriptor they would be clear text.
        """
        sock = transport.get_extra_info("socket")
        is_direct = sock is not None and os.name == "posix" and transport.get_extra_info("sslcontext") is None
        self.transport = transport
        self._fd: int | None = sock.fileno() if is_direct else NOT_DIRECT  # None: ended
        self._direct = NOT_DIRECT if transport.get_write_buffer_size() else self._fd  # so while nothing waits there

    def write(self, data: bytes) -> None:
        """Send what the kernel takes now; the transport keeps the rest. After `end_writing` nothing is sent."""
        write_all((self,), data)

    def end_writing(self) -> None:
        """Drop all bytes that are written from here on."""
        self._fd, self._direct = None, NOT_DIRECT

    def abort(self) -> None:
        """Close the connection at once; bytes that wait in the transport, or are written later, are lost."""
        self.end_writing()
        self.transport.abort()

    def _write_behind(self, data: bytes) -> None:
        """Send bytes that the kernel did not take, or was not offered since others may be waiting in the transport.

        The transport finds out what is wrong with a broken connection, and tells it in its own time.
        """
        if self._fd is None:
            return
        if self._direct == NOT_DIRECT and self._fd != NOT_DIRECT and not self.transport.get_write_buffer_size():
            self._direct = self._fd
            self.write(data)
        else:
            self._direct = NOT_DIRECT
            self.transport.write(data)


def write_all(outlets: Iterable[Outlet], data: bytes) -> None:
    """Write the same bytes to many: here a delivery is one turn of a loop and one system call."""
    size = len(data)
    write = os.write
    for outlet in outlets:
        try:
            sent = write(outlet._direct, data)
        except OSError:
            sent = 0
        if sent != size:
            outlet._write_behind(data[sent:])
