"""Keeps a link to the server: it connects, waits for the link's end, and connects again (PROTOCOL.md section 6)."""

import asyncio
import logging

from tcp_server.net.backoff import backoff
from ws_bridge.server_link import Downstream, ServerLink
from ws_bridge.stats import Stats
from ws_bridge.timing import Timing

logger = logging.getLogger(__name__)


class Upstream:
    """The server's address, and the link to it while there is one."""

    def __init__(
        self, host: str, port: int, secret: str | None, downstream: Downstream, timing: Timing, stats: Stats
    ) -> None:
        self._host = host
        self._port = port
        self._secret = secret
        self._downstream = downstream
        self._timing = timing
        self._stats = stats
        self._link: ServerLink | None = None
        self._complaint = ""

    @property
    def address(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    async def run(self) -> None:
        """Connect, again after each end, until this task is cancelled."""
        loop = asyncio.get_running_loop()
        delays = backoff(self._timing.reconnect_min, self._timing.reconnect_max)
        while True:
            try:
                async with asyncio.timeout(self._timing.connect):
                    _, self._link = await loop.create_connection(self._new_link, self._host, self._port)
            except (OSError, TimeoutError, UnicodeError) as error:  # UnicodeError: the host can't be a name
                self._complain(str(error) or "no answer")
            else:
                why = await self._link.ended
                if self._link.accepted:
                    logger.warning("the link to %s is lost: %s", self.address, why)
                    self._complaint = ""
                    delays = backoff(self._timing.reconnect_min, self._timing.reconnect_max)
                else:
                    self._complain(why)
                self._link = None
            await asyncio.sleep(next(delays))

    def watch(self) -> None:
        """Ping a silent server, and give up its link if it stays silent; call it every `Timing.sweep`."""
        link = self._link
        if link is None:
            return
        link.silence += 1
        silent = link.silence * self._timing.sweep
        if silent >= self._timing.link_dead:
            link.give_up(f"nothing heard for {silent:g} s")
        elif silent >= self._timing.link_ping and link.accepted:
            link.ping()

    def close(self) -> None:
        """End the link, if there is one, after all frames sent so far."""
        if self._link is not None:
            self._link.close()

    def _new_link(self) -> ServerLink:
        return ServerLink(self._secret, self._downstream, self._stats)

    def _complain(self, why: str) -> None:
        """Log why there is no link: a reason that stays the same is a warning only once."""
        level = logging.DEBUG if why == self._complaint else logging.WARNING
        logger.log(level, "no link to %s: %s; trying again", self.address, why)
        self._complaint = why
