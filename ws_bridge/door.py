"""The door: it answers HTTP requests, and admits browsers (PROTOCOL.md section 6).

`request` reads requests, because the page has many files and the `websockets` library serves one request a connection.
The library checks the WebSocket handshake.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import cast

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from ws_bridge.browsers import Browsers
from ws_bridge.origins import Origin, is_origin_allowed
from ws_bridge.page import TEXT, Page, make_response
from ws_bridge.request import END_OF_HEAD, HEAD_MAX, BadRequest, announces_body, parse_request
from ws_bridge.timing import Timing

WEBSOCKET_PATHS = frozenset({"/", "/ws"})

TURN_MAX = 16  # requests of a connection answered in one turn of the event loop, so that others needn't wait

logger = logging.getLogger(__name__)

# The library logs each handshake; the bridge logs these itself.
quiet = logging.getLogger("ws_bridge.websockets")
quiet.setLevel(logging.WARNING)


class Door(asyncio.Protocol):
    """A connection that speaks HTTP, until it becomes a WebSocket or ends."""

    def __init__(
        self, page: Page, browsers: Browsers, origins: Collection[Origin], doors: "set[Door]", timing: Timing
    ) -> None:
        self._page = page
        self._browsers = browsers
        self._origins = origins
        self._doors = doors  # all open doors: the bridge closes them when it ends
        self._timing = timing
        self._unread = bytearray()
        self._is_congested = False  # requests wait until the other side has taken the responses
        self._is_turn_due = False  # further requests, read already, are answered in a later turn
        self._is_read = True  # the transport reads
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
        if not self._is_done:
            self._unread += data
            if not self._is_turn_due and not self._is_congested:
                self._advance()

    def pause_writing(self) -> None:
        self._is_congested = True
        self._steer_transport()

    def resume_writing(self) -> None:
        self._is_congested = False
        self._advance_later()

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()

    # Requests.

    def _await_request(self) -> None:
        """Close the connection unless a whole request comes within `Timing.handshake`."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._timing.handshake, self.close)

    def _advance(self) -> None:
        """Answer the complete requests of one turn, one after the other."""
        for _ in range(TURN_MAX):
            if self._is_done or self._is_congested:
                break
            while self._unread.startswith(b"\r\n"):  # RFC 9112 section 2.2
                del self._unread[:2]
            end = self._unread.find(END_OF_HEAD)
            if end < 0:
                if len(self._unread) > HEAD_MAX:
                    self._send(make_response(431, TEXT, b"the request is too long\n"))
                break
            end += len(END_OF_HEAD)
            head = bytes(self._unread[:end])
            del self._unread[:end]
            self._answer(head)
        else:
            self._advance_later()
        if self._is_done:
            self._unread.clear()

    def _advance_later(self) -> None:
        if not self._is_turn_due:
            self._is_turn_due = True
            self._steer_transport()
            asyncio.get_running_loop().call_soon(self._advance_turn)

    def _advance_turn(self) -> None:
        self._is_turn_due = False
        self._advance()
        self._steer_transport()

    def _steer_transport(self) -> None:
        wanted = not self._is_congested and not self._is_turn_due
        if wanted is not self._is_read and self._transport is not None:
            self._is_read = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _answer(self, head: bytes) -> None:
        try:
            request = parse_request(head)
        except BadRequest as error:
            self._send(make_response(error.status, TEXT, f"{error}\n".encode()))
            return
        if request.method not in ("GET", "HEAD"):
            self._send(self._page.respond(request.method, request.path))
        elif announces_body(request):
            self._send(make_response(400, TEXT, b"a request for the page has no body\n"))
        elif request.method == "GET" and _tokens(request, "Upgrade") & {"websocket"}:
            self._admit(request)
        elif request.method == "GET" and request.path.partition("?")[0] == "/ws":
            response = make_response(426, TEXT, b"/ws is for WebSockets; a proxy must pass Upgrade on\n")
            response.headers["Upgrade"] = "websocket"
            self._send(response)
        else:
            tag = _first(request, "If-None-Match")
            stays = request.protocol == "HTTP/1.1" and "close" not in _tokens(request, "Connection")
            self._send(self._page.respond(request.method, request.path, tag), stays)

    def _admit(self, request: Request) -> None:
        """Admit a browser, or answer with the reason for its refusal."""
        origins = request.headers.get_all("Origin")
        if request.path.partition("?")[0] not in WEBSOCKET_PATHS:
            self._send(make_response(404, TEXT, b"the chat is at / and /ws\n"))
        elif len(origins) > 1 or not is_origin_allowed(
            _first(request, "Origin"), _first(request, "Host"), self._origins
        ):
            logger.info("refused a page from %s", ", ".join(origins))
            self._send(make_response(403, TEXT, b"pages from this origin are not allowed here; see --origin\n"))
        else:
            response = ServerProtocol(logger=quiet).accept(request)
            if response.status_code == 101:
                self._become_browser(response)
            else:
                self._send(response)

    def _become_browser(self, response: Response) -> None:
        transport = self._transport
        assert transport is not None
        self._leave()
        if not self._is_read:
            transport.resume_reading()
        transport.write(response.serialize())
        browser = self._browsers.arrived(transport)
        transport.set_protocol(browser)
        if self._unread:  # from a client that did not wait for the response
            browser.data_received(bytes(self._unread))

    def _send(self, response: Response, stays: bool = False) -> None:
        """Send a response, and end the connection unless it stays open for a further request."""
        assert self._transport is not None
        response.headers["Connection"] = "keep-alive" if stays else "close"
        body, response.body = response.body, b""
        self._transport.write(response.serialize())
        if body:
            self._transport.write(body)  # by itself: unread responses share the bytes of the page's files
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
