"""An outlet: bytes to a socket at once, past the event loop's queue (the innermost line of every fan-out).

An event loop's transport queues what it is given and writes it later: uvloop by the end of the turn, which touches ten
times the memory of the write itself. A fifth of what a lone message to 200 members costs is that. So a write goes
straight to the kernel, and only what the kernel doesn't take, and all that comes behind it, goes through the transport,
whose marks then tell that the other side is slow.
"""

from __future__ import annotations

import asyncio
import os


class Outlet:
    """Where a connection's bytes go; a base for its protocol.

    After calling `begin_writing`:
    - you must write by `write` alone, or the order is lost;
    - you must call `end_writing` in `connection_lost` at the latest: the descriptor is another's after that.
    """

    __slots__ = ("_fd", "_has_ended", "_is_direct", "transport")

    transport: asyncio.Transport

    def begin_writing(self, transport: asyncio.Transport) -> None:
        """Take a transport, into which something may have been written before."""
        sock = transport.get_extra_info("socket")
        self.transport = transport
        self._fd = sock.fileno() if sock is not None and os.name == "posix" else -1  # negative: the transport alone
        self._is_direct = False  # nothing waits in the transport, as far as is known
        self._has_ended = False

    def write(self, data: bytes) -> None:
        """Send what the kernel takes now; the transport keeps the rest. After `end_writing` nothing is sent."""
        if not self._is_direct:
            self._write_behind(data)
            return
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:  # the connection is broken, which the transport tells in its own time
            self.end_writing()
            self.transport.abort()
            return
        if sent < len(data):
            self._is_direct = False
            self.transport.write(data[sent:])

    def end_writing(self) -> None:
        """Drop all that is written from here on."""
        self._has_ended, self._is_direct = True, False

    def _write_behind(self, data: bytes) -> None:
        """Send in the right order where something may be waiting in the transport."""
        if self._has_ended:
            return
        if self._fd < 0 or self.transport.get_write_buffer_size():
            self.transport.write(data)
        else:
            self._is_direct = True
            self.write(data)
