"""The door: it answers HTTP requests, and admits browsers (PROTOCOL.md section 6).

The `websockets` library parses requests and does the WebSocket handshake. It serves one request a connection; the page
has many files, so each request here gets a parser of its own.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import cast
from urllib.parse import urlsplit

from websockets.exceptions import SecurityError
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from tcp_server.net.addresses import is_loopback
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
    """Say whether a page from `origin` may open a WebSocket at `host` (the Host header).

    A program sends no origin, and a page opened from disk sends `null`.
    """
    if origin is None or origin == "null" or origin.lower() in allowed:
        return True
    try:
        page = urlsplit(origin)
        default_port = _DEFAULT_PORTS[page.scheme]
        asked = urlsplit(f"//{host or ''}")
        same_host = (page.hostname, page.port or default_port) == (asked.hostname, asked.port or default_port)
    except (KeyError, ValueError):  # KeyError: neither http nor https; ValueError: the port is no number
        return False
    if not page.hostname or origin != f"{page.scheme}://{page.netloc}" or "@" in page.netloc:
        return False
    return same_host or page.hostname == "localhost" or is_loopback(page.hostname)


class Door(asyncio.Protocol):
    """A connection that speaks HTTP, until it becomes a WebSocket or ends."""

    def __init__(
        self, page: Page, browsers: Browsers, origins: Collection[str], doors: "set[Door]", timing: Timing
    ) -> None:
        self._page = page
        self._browsers = browsers
        self._origins = origins
        self._doors = doors  # all open doors: the bridge closes them when it ends
        self._timing = timing
        self._unread = b""
        self._is_congested = False  # requests wait until the other side has taken the responses
        self._is_done = False
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._doors.add(self)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        self._advance()

    def pause_writing(self) -> None:
        self._is_congested = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_congested = False
        if self._transport is not None:
            self._transport.resume_reading()
            self._advance()

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()

    # Requests.

    def _await_request(self) -> None:
        """Close the connection unless a whole request comes within `Timing.handshake`."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._timing.handshake, self.close)

    def _advance(self) -> None:
        """Answer the complete requests, one after the other."""
        while not self._is_done and not self._is_congested:
            end = self._unread.find(_END_OF_HEAD)
            if end < 0:
                if len(self._unread) > HEAD_MAX:
                    self._send(make_response(431, TEXT, b"the request is too long\n"))
                return
            end += len(_END_OF_HEAD)
            head, self._unread = self._unread[:end], self._unread[end:]
            self._answer(head)
        if self._is_done:
            self._unread = b""

    def _answer(self, head: bytes) -> None:
        method = head.partition(b" ")[0].decode("latin-1")
        if method.isalpha() and method not in ("GET", "HEAD"):
            self._send(self._page.respond(method, ""))  # the library takes no request with a body
            return
        library = ServerProtocol(logger=quiet)
        library.receive_data(head)
        for event in library.events_received():
            assert isinstance(event, Request)
            if event.method == "GET" and _tokens(event, "Upgrade") & {"websocket"}:
                self._admit(library, event)
            elif event.method == "GET" and event.path.partition("?")[0] == "/ws":
                response = make_response(426, TEXT, b"/ws is for WebSockets; a proxy must pass Upgrade on\n")
                response.headers["Upgrade"] = "websocket"
                self._send(response)
            else:
                tag = _first(event, "If-None-Match")
                stays = event.protocol == "HTTP/1.1" and "close" not in _tokens(event, "Connection")
                self._send(self._page.respond(event.method, event.path, tag), stays)
            return
        status = 431 if isinstance(library.handshake_exc, SecurityError) else 400
        self._send(make_response(status, TEXT, b"this is no request that can be answered\n"))

    def _admit(self, library: ServerProtocol, request: Request) -> None:
        """Admit a browser, or answer with the reason for its refusal."""
        origins = request.headers.get_all("Origin")
        if len(request.headers.get_all("Host")) > 1:  # a proxy may have checked the other one
            self._send(make_response(400, TEXT, b"a request has one Host\n"))
        elif request.path.partition("?")[0] not in WEBSOCKET_PATHS:
            self._send(make_response(404, TEXT, b"the chat is at / and /ws\n"))
        elif len(origins) > 1 or not is_origin_allowed(
            _first(request, "Origin"), _first(request, "Host"), self._origins
        ):
            logger.info("refused a page from %s", ", ".join(origins))
            self._send(make_response(403, TEXT, b"pages from this origin are not allowed here; see --origin\n"))
        else:
            response = library.accept(request)
            if response.status_code == 101:
                self._become_browser(response)
            else:
                self._send(response)

    def _become_browser(self, response: Response) -> None:
        transport = self._transport
        assert transport is not None
        self._leave()
        transport.write(response.serialize())
        browser = self._browsers.arrived(transport)
        transport.set_protocol(browser)
        if self._unread:  # from a client that did not wait for the response
            browser.data_received(self._unread)

    def _send(self, response: Response, stays: bool = False) -> None:
        """Send a response, and end the connection unless it stays open for a further request."""
        assert self._transport is not None
        response.headers["Connection"] = "keep-alive" if stays else "close"
        self._transport.write(response.serialize())
        if stays:
            self._await_request()
        else:
            # Half-close. A full close while requests are unread would reset the connection, and the reset could
            # overtake the response. The timer closes the connection if the other side doesn't.
            self._is_done = True
            self._transport.write_eof()

    def _leave(self) -> None:
        self._is_done = True
        self._doors.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()


def _first(request: Request, header: str) -> str | None:
    return next(iter(request.headers.get_all(header)), None)


def _tokens(request: Request, header: str) -> set[str]:
    """Return the comma-separated words of a header, in lower case."""
    return {word.strip().lower() for value in request.headers.get_all(header) for word in value.split(",")}
