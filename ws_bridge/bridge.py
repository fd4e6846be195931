"""The bridge as a whole: start -> serve -> close."""

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tcp_server.net.listening import accept, bind
from tcp_server.net.process import version
from ws_bridge.browsers import Browsers
from ws_bridge.door import Door
from ws_bridge.files import Files
from ws_bridge.origins import Origin
from ws_bridge.page import Page
from ws_bridge.stats import Stats
from ws_bridge.timing import Timing
from ws_bridge.upstream import Upstream


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """The values of the flags."""

    server: tuple[str, int]
    web: Path
    host: str | None = None  # None: all interfaces
    port: int = 8765
    origins: Collection[Origin] = ()
    secret: str | None = None


class Bridge:
    """All parts of a running bridge.

    After making one: `await start()`, then `await close()`.
    """

    def __init__(self, settings: BridgeSettings, timing: Timing | None = None) -> None:
        self._settings = settings
        self._timing = timing or Timing()
        self.stats = Stats()
        self.browsers = Browsers(self._timing, self.stats)
        host, port = settings.server
        self.upstream = Upstream(host, port, settings.secret, self.browsers, self._timing, self.stats)
        self._page = Page(Files(settings.web), version(), self.browsers, self.stats)
        self._doors: set[Door] = set()
        self._servers: list[asyncio.Server] = []
        self._link_task: asyncio.Task[None] | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self) -> int:
        """Listen, and begin to connect to the server; return the port.

        Raises:
            StartError: the port is taken or not allowed.
        """
        loop = asyncio.get_running_loop()
        sockets = bind(self._settings.host, self._settings.port)
        port: int = sockets[0].getsockname()[1]
        self._servers = await accept(sockets, self._new_door)
        self._link_task = loop.create_task(self.upstream.run())
        self._sweep()
        return port

    async def close(self) -> None:
        """Close everything in order; this takes at most `Timing.close`."""
        for server in self._servers:
            server.close()  # no new connections
        for door in list(self._doors):
            door.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self.browsers.close()
        # Last, so that the browsers' frames have gone out. No CLOSE and no BYE: the server holds the users in grace,
        # and they resume through another bridge, or through this one once it is started again.
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
