"""One connection to the server, from HELLO to its end (PROTOCOL.md section 6).

This module owns the packets without a session: LINK, READY, PING, PONG, BYE. It hands on all other bodies, read by
read and in order.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from tcp_server.net.outlet import Outlet
from tcp_server.wordpacket import Decoder, PacketError
from ws_bridge import translate
from ws_bridge.stats import Stats

NAME = "ws_bridge"

# Unsent bytes above which the link is congested: the server reads too slowly, and browsers are not read either.
HIGH_WATER = 256 * 1024

logger = logging.getLogger(__name__)


class Downstream(Protocol):
    """Takes the link's bodies and its events."""

    def link_opened(self, link: "ServerLink") -> None: ...

    def link_lost(self) -> None: ...

    def link_writable(self) -> None: ...

    def tick(self, link: "ServerLink", bodies: Iterable[bytes]) -> None:
        """Take the bodies of one read of the link; give those of the link itself to `ServerLink.control`."""


class ServerLink(Outlet, asyncio.Protocol):
    """A connection to the server, which becomes a link with READY.

    Attributes:
        ended: done when the connection is over; its result is the reason.
        silence: sweeps since the server last sent something. Not seconds: while the bridge itself was stopped it
            could not hear the server.
        accepted: the server has accepted the link.
        is_congested: the server takes no more bytes; whoever sends more should stop reading.
    """

    def __init__(self, secret: str | None, downstream: Downstream, stats: Stats) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self.silence = 0
        self.accepted = False
        self.is_congested = False
        self._secret = secret
        self._downstream = downstream
        self._stats = stats
        self._decoder = Decoder()
        self._outbox: list[bytes] = []
        self._fences: dict[str, Callable[[], None]] = {}
        self._pings = 0
        self._why = "the server closed the connection"

    def send(self, frame: bytes) -> None:
        """Queue a frame: all frames of one turn of the event loop leave in one write."""
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(frame)

    def fence(self, then: Callable[[], None]) -> None:
        """Call `then` once the server has taken every earlier frame; never, if the link ends before."""
        self._pings += 1
        ref = f"fence-{self._pings}"
        self._fences[ref] = then
        self.send(translate.link_ping(ref))

    def ping(self) -> None:
        """Ask for a sign of life."""
        self.send(translate.link_ping("alive"))

    def give_up(self, why: str) -> None:
        """End the connection at once."""
        self._why = why
        self.abort()

    def close(self) -> None:
        """End the connection after all frames sent so far."""
        self._flush()
        self.end_writing()
        self.transport.close()

    def control(self, kind: str, body: bytes) -> None:
        """Take a body that is for no session and no room."""
        match kind:
            case "HELLO":
                self.send(translate.link(NAME, self._secret))
            case "READY" if not self.accepted:
                self.accepted = True
                self._stats.links += 1
                logger.info("linked to the chat server")
                self._downstream.link_opened(self)
            case "PING":
                self.send(translate.link_pong(body))
            case "PONG":
                then = self._fences.pop(translate.ref(body) or "", None)
                if then is not None:
                    then()
            case "BYE":
                reason, message = translate.said(body)
                self._why = f"the server said {reason}: {message}"
                self.close()
            case "ERROR":
                logger.warning("the server refused a packet of the link: %s", translate.said(body)[1])

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.begin_writing(cast(asyncio.Transport, transport))  # uvloop's are no subclass
        self.transport.set_write_buffer_limits(HIGH_WATER)

    def data_received(self, data: bytes) -> None:
        self.silence = 0
        self._stats.link_bytes_in += len(data)
        self._decoder.feed(data)
        try:
            self._downstream.tick(self, self._decoder)
        except PacketError as error:
            self.give_up(f"the server sent a broken frame: {error}")
        except Exception:
            # A bug. A new link opens every session anew, and so from a sound state.
            logger.exception("a packet of the server could not be handled")
            self.give_up("an error in the bridge")

    def pause_writing(self) -> None:
        self.is_congested = True

    def resume_writing(self) -> None:
        self.is_congested = False
        self._downstream.link_writable()

    def connection_lost(self, error: Exception | None) -> None:
        self.end_writing()
        if error is not None:
            self._why = str(error)
        if not self.ended.done():
            self.ended.set_result(self._why)
        if self.accepted:
            self._downstream.link_lost()

    def _flush(self) -> None:
        data = b"".join(self._outbox)
        self._outbox.clear()
        if not self.transport.is_closing():
            self.write(data)
            self._stats.link_bytes_out += len(data)
