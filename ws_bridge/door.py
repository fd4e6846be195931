"""The door: the first request of each connection, and who may come in (PROTOCOL.md section 6).

A connection either becomes a browser's WebSocket or gets one HTTP response and is closed. The handshake
itself is the `websockets` library's.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Collection
from typing import cast
from urllib.parse import urlsplit

from websockets.exceptions import SecurityError
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from ws_bridge.browsers import Browsers
from ws_bridge.frames import quiet
from ws_bridge.page import TEXT, Page, make_response
from ws_bridge.timing import Timing

WEBSOCKET_PATHS = frozenset({"/", "/ws"})

HEAD_MAX = 16 * 1024  # bytes of a request; browsers with many cookies for localhost need some KiB
_END_OF_HEAD = b"\r\n\r\n"
_DEFAULT_PORTS = {"http": 80, "https": 443}

logger = logging.getLogger(__name__)


def is_origin_allowed(origin: str | None, host: str | None, allowed: Collection[str]) -> bool:
    """Whether a page from `origin` may open a WebSocket that was asked for at `host` (the Host header).

    A program sends no origin, and a page that was opened from disk sends `null`.
    """
    if origin is None or origin == "null" or origin.lower() in allowed:
        return True
    try:
        page = urlsplit(origin)
        default_port = _DEFAULT_PORTS[page.scheme]
        asked = urlsplit(f"//{host or ''}")
        same_host = (page.hostname, page.port or default_port) == (asked.hostname, asked.port or default_port)
    except (KeyError, ValueError):  # neither http nor https; no number for a port
        return False
    if not page.hostname or origin != f"{page.scheme}://{page.netloc}" or "@" in page.netloc:
        return False
    return same_host or _is_loopback(page.hostname)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Door(asyncio.Protocol):
    """A connection until its request is answered."""

    def __init__(
        self, page: Page, browsers: Browsers, origins: Collection[str], doors: "set[Door]", timing: Timing
    ) -> None:
        self._page = page
        self._browsers = browsers
        self._origins = origins
        self._doors = doors  # all that are open, so that a bridge that ends can close them
        self._timing = timing
        self._head = b""
        self._answered = False
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._doors.add(self)
        # Somebody who connects and says nothing, or a byte now and then, costs no more than this.
        self._timer = asyncio.get_running_loop().call_later(self._timing.handshake, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._answered:
            return  # one request a connection
        self._head += data
        end = self._head.find(_END_OF_HEAD)
        if end >= 0:
            end += len(_END_OF_HEAD)
            self._answered = True
            self._answer(self._head[:end], self._head[end:])
        elif len(self._head) > HEAD_MAX:
            self._answered = True
            self._send(make_response(431, TEXT, b"the request is too long\n"))

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _answer(self, head: bytes, rest: bytes) -> None:
        method = head.partition(b" ")[0].decode("latin-1")
        if method.isalpha() and method not in ("GET", "HEAD"):
            self._send(self._page.respond(method, ""))  # the library knows no request with a body
            return
        library = ServerProtocol(logger=quiet)
        library.receive_data(head)
        for event in library.events_received():
            if isinstance(event, Request):
                if event.method == "GET" and asks_for_websocket(event):
                    self._admit(library, event, rest)
                else:
                    tag = next(iter(event.headers.get_all("If-None-Match")), None)
                    self._send(self._page.respond(event.method, event.path, tag))
                return
        status = 431 if isinstance(library.handshake_exc, SecurityError) else 400
        self._send(make_response(status, TEXT, b"this is no request that can be answered\n"))

    def _admit(self, library: ServerProtocol, request: Request, rest: bytes) -> None:
        """Let a browser in, or tell it why not."""
        assert self._transport is not None
        origins = request.headers.get_all("Origin")
        host = next(iter(request.headers.get_all("Host")), None)
        if request.path.partition("?")[0] not in WEBSOCKET_PATHS:
            self._send(make_response(404, TEXT, b"the chat is at / and /ws\n"))
        elif len(origins) > 1 or not is_origin_allowed(next(iter(origins), None), host, self._origins):
            logger.info("refused a page from %s", ", ".join(origins))
            self._send(make_response(403, TEXT, b"pages from this origin are not allowed here; see --origin\n"))
        else:
            response = library.accept(request)
            if response.status_code != 101:
                self._send(response)
                return
            transport = self._transport
            self._leave()
            transport.write(response.serialize())
            browser = self._browsers.arrived(transport)
            transport.set_protocol(browser)
            if rest:
                browser.data_received(rest)

    def _send(self, response: Response) -> None:
        """Send a response and half-close: a full close could reset the connection before it is read.

        The timer of the handshake ends the connection if the other side doesn't.
        """
        assert self._transport is not None
        self._transport.write(response.serialize())
        self._transport.write_eof()

    def _leave(self) -> None:
        self._doors.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()


def asks_for_websocket(request: Request) -> bool:
    return any("websocket" in value.lower() for value in request.headers.get_all("Upgrade"))
