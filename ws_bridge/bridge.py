"""The bridge as a whole: start -> serve -> shut down."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Collection
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ws_bridge.browsers import Browsers
from ws_bridge.door import Door
from ws_bridge.page import Page
from ws_bridge.stats import Stats
from ws_bridge.timing import Timing
from ws_bridge.upstream import Upstream

# Connections that the system completes before we accept them: a whole page of users comes back at once.
BACKLOG = 4096

_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the flags say."""

    server: tuple[str, int]
    web: Path
    host: str | None = None  # None: all interfaces
    port: int = 8765
    origins: Collection[str] = ()
    secret: str | None = None


class Bridge:
    """Everything that runs.

    After making one: `await start()`, then `await close()`.
    """

    def __init__(self, settings: Settings, timing: Timing | None = None) -> None:
        self._settings = settings
        self._timing = timing or Timing()
        self.stats = Stats()
        self.browsers = Browsers(self._timing, self.stats)
        host, port = settings.server
        self.upstream = Upstream(host, port, settings.secret, self.browsers, self._timing, self.stats)
        self._page = Page(settings.web, version(), self.browsers, self.stats)
        self._doors: set[Door] = set()
        self._servers: list[asyncio.Server] = []
        self._link_task: asyncio.Task[None] | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self) -> int:
        """Listen and begin to look for the server; return the port.

        Raises:
            OSError: the port can't be had.
        """
        loop = asyncio.get_running_loop()
        listeners = listen(self._settings.host, self._settings.port)
        port: int = listeners[0].getsockname()[1]
        for listener in listeners:
            self._servers.append(await loop.create_server(self._new_door, sock=listener, backlog=BACKLOG))
        self._link_task = loop.create_task(self.upstream.run())
        self._sweep()
        return port

    async def close(self) -> None:
        """Shut down in order; takes `Timing.close` at most."""
        for server in self._servers:
            server.close()  # nobody new
        for door in list(self._doors):
            door.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self.browsers.close()
        # Last, so that what the browsers had said has gone out. No CLOSE, no BYE: the server keeps the users
        # in grace, and they resume through another bridge or this one started again.
        self.upstream.close()
        if self._link_task is not None:
            self._link_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._link_task

    def _new_door(self) -> Door:
        return Door(self._page, self.browsers, self._settings.origins, self._doors, self._timing)

    def _sweep(self) -> None:
        self.upstream.watch()
        self.browsers.sweep()
        self._sweeper = asyncio.get_running_loop().call_later(self._timing.sweep, self._sweep)


def listen(host: str | None, port: int) -> list[socket.socket]:
    """Bind the sockets to listen on.

    Raises:
        OSError: an address is taken, not ours, or needs more rights.
    """
    if host is None:
        # One socket for IPv4 and IPv6, so that both have the same port, a free one too.
        try:
            return [socket.create_server(("::", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)]
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_IPV6:
                raise
        return [socket.create_server(("", port), backlog=BACKLOG)]
    listeners: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            listeners.append(socket.create_server((address[0], port), family=family, backlog=BACKLOG))
            port = listeners[0].getsockname()[1]
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def version() -> str:
    """Return the version of the installed project; a checkout that was never installed has none."""
    try:
        return metadata.version("wordpacket")
    except metadata.PackageNotFoundError:
        return "unknown"
