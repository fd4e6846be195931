"""Listening: sockets bound to a port, and accepting on them many connections a turn of the event loop."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence

from tcp_server.process import StartError

BACKLOG = 4096  # connections that may wait for accept: thousands come back at once after a restart
# uvloop accepts one connection a turn from each listener (libuv pull request 3696). When thousands come at once, each
# of them would have a turn, a tick and a commit to itself. So a socket is listened on as often as this.
AT_ONCE = 32 if os.name == "posix" else 1

_NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def bind(host: str | None, port: int) -> list[socket.socket]:
    """Return listening sockets, all with the same port.

    Args:
        host: an address or a name with one or several; None: all addresses of this machine, IPv4 and IPv6.
        port: 0 lets the system choose one.

    Raises:
        StartError: an address is taken, not this machine's, or needs more rights.
    """
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, address in _addresses(host, port):
            try:
                sock = socket.create_server((address, port), family=family, backlog=BACKLOG)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                missing = error  # most likely it is IPv6's; with another address that is no fault
                continue
            sock.setblocking(False)
            sockets.append(sock)
            port = sock.getsockname()[1]
        if missing is not None and not sockets:
            raise missing
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise StartError(_explain(error, host, port)) from None
    return sockets


async def accept(
    sockets: Sequence[socket.socket], make_protocol: Callable[[], asyncio.Protocol]
) -> list[asyncio.Server]:
    """Accept connections on listening sockets, until each of the servers is closed."""
    loop = asyncio.get_running_loop()
    listeners = [*sockets, *(sock.dup() for sock in sockets for _ in range(AT_ONCE - 1))]
    return [await loop.create_server(make_protocol, sock=listener, backlog=BACKLOG) for listener in listeners]


def _addresses(host: str | None, port: int) -> list[tuple[int, str]]:
    if host is None:
        return [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _explain(error: OSError, host: str | None, port: int) -> str:
    """Say what a person can do about it."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken already; choose another one"
    if error.errno == errno.EACCES:
        return f"no permission to listen on port {port}; choose one above 1023"
    if isinstance(error, socket.gaierror) or error.errno in _NOT_HERE:
        return f"{host!r} is no address of this machine; see --host"
    return f"can't listen on port {port}: {error.strerror}"
