"""Listening: sockets bound to a port, and accepting on them many connections a turn of the event loop."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from tcp_server.net.process import StartError

BACKLOG = 4096  # connections that may wait for accept: thousands come back at once after a restart
# Connections accepted in one turn: when thousands connect at once, they share ticks and commits. uvloop accepts one a
# turn from each listener (libuv pull request 3696); there this many duplicates of a socket listen. Fewer cost each of
# the thousands more; more cost a connection that comes alone, since each duplicate then tries in vain.
AT_ONCE = 16
FREE_PORT_TRIES = 10
LOOK_SECONDS = 1.0  # between two looks whether there are descriptors left

_NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)  # accepting fails by no fault of its own

_Address = tuple[int, tuple[Any, ...]]  # a family, and an address of it as `socket` has it

logger = logging.getLogger(__name__)


def bind(host: str | None, port: int) -> list[socket.socket]:
    """Return listening sockets, all with the same port.

    Args:
        host: an address or a name with one or several; None: all addresses of this machine, IPv4 and IPv6.
        port: 0 lets the system choose one.

    Raises:
        StartError: an address is taken, not this machine's, or needs more rights. Missing IPv6 is no fault beside IPv4.
    """
    tries = 1 if port else FREE_PORT_TRIES  # a port that is free for IPv4 may be taken for IPv6
    while True:
        tries -= 1
        try:
            return _bind(_addresses(host), port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not tries:
                raise StartError(_explain(error, host, port)) from None


async def accept(
    sockets: Sequence[socket.socket], make_protocol: Callable[[], asyncio.Protocol]
) -> list[asyncio.Server]:
    """Accept connections on listening sockets, until each of the servers is closed.

    Raises:
        StartError: the process may not have so many files.
    """
    loop = asyncio.get_running_loop()
    duplicates = AT_ONCE - 1 if type(loop).__module__.startswith("uvloop") else 0
    servers: list[asyncio.Server] = []
    try:
        for listener in [*sockets, *(sock.dup() for sock in sockets for _ in range(duplicates))]:
            # asyncio's own loop takes the backlog for what it accepts in a turn, so the real one is set afterwards.
            servers.append(await loop.create_server(make_protocol, sock=listener, backlog=AT_ONCE))
            listener.listen(BACKLOG)
    except OSError as error:
        for server in servers:
            server.close()
        raise StartError(f"can't listen: {error.strerror}") from None
    _Exhaustion(loop, servers)
    return servers


class _Exhaustion:
    """Logs once that connections can't be accepted for lack of descriptors, and once that they can again.

    asyncio's own loop logs a traceback for each attempt, hundreds a second. uvloop logs nothing, and closes these
    connections.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, servers: Sequence[asyncio.Server]) -> None:
        self._loop = loop
        self._servers = servers
        self._is_over = True
        self._failed = 0  # attempts that asyncio's own loop told of
        loop.set_exception_handler(self._handle)
        self._look()

    def _look(self) -> None:
        """Try to get a descriptor, as `accept` does; again and again until all servers are closed."""
        sockets = [sock for server in self._servers if server.is_serving() for sock in server.sockets]
        if not sockets:
            return
        try:
            os.close(os.dup(sockets[0].fileno()))
        except OSError as error:
            self._begin(error)
        else:
            if not self._is_over:
                self._is_over = True
                times = f" ({self._failed} attempts failed)" if self._failed else ""
                logger.warning("connections are accepted again%s", times)
        self._loop.call_later(LOOK_SECONDS, self._look)

    def _handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _EXHAUSTED and "socket" in context:
            self._begin(error)
            self._failed += 1
        else:
            loop.default_exception_handler(context)

    def _begin(self, error: OSError) -> None:
        if self._is_over:
            self._is_over = False
            self._failed = 0
            logger.error("connections can't be accepted: %s", os.strerror(error.errno or 0))


def _bind(addresses: list[_Address], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, (address, _, *scope) in addresses:
            try:
                sock = socket.create_server((address, port, *scope), family=family, backlog=BACKLOG)
            except OSError as error:
                if family != socket.AF_INET6 or error.errno not in _NOT_HERE:
                    raise
                missing = error
                continue
            sock.setblocking(False)
            sockets.append(sock)
            port = sock.getsockname()[1]
        if missing is not None and not sockets:
            raise missing
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _addresses(host: str | None) -> list[_Address]:
    if host is None:
        return [(socket.AF_INET, ("0.0.0.0", 0)), (socket.AF_INET6, ("::", 0))]
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # no host name looks like this
        raise OSError(errno.EADDRNOTAVAIL, "") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _explain(error: OSError, host: str | None, port: int) -> str:
    """Return what went wrong, and what the user can do about it."""
    if isinstance(error, socket.gaierror):
        return f"can't listen on {host!r}: {error.strerror}; see --host"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken already; choose another PORT, see --help"
    if error.errno == errno.EACCES:
        return f"no permission to listen on port {port}; choose a PORT above 1023, see --help"
    if error.errno in _NOT_HERE and host is not None:
        return f"{host!r} is no address of this machine; see --host"
    return f"can't listen on port {port}: {os.strerror(error.errno or 0)}"
