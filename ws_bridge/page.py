"""The page and the bridge's own reports over HTTP: `web/`, `/healthz`, `/metrics`.

This module makes responses; `files` has the page's files, and `door` has the connection.
"""

import http
from email.utils import formatdate
from typing import Protocol

import msgspec
from websockets.datastructures import Headers
from websockets.http11 import Response

from ws_bridge.files import Files
from ws_bridge.stats import Stats

# What a page may do: load its own files, and open a WebSocket to any server that its user names.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "manifest-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

TEXT = "text/plain; charset=utf-8"


class BridgeStatus(Protocol):
    """The figures of the running bridge that the reports show."""

    @property
    def is_linked(self) -> bool: ...

    @property
    def room_count(self) -> int: ...

    def __len__(self) -> int: ...


class Page:
    """Answers every request that does not ask for a WebSocket."""

    def __init__(self, files: Files, version: str, status: BridgeStatus, stats: Stats) -> None:
        self._files = files
        self._version = version
        self._status = status
        self._stats = stats

    def respond(self, method: str, target: str, if_none_match: str | None = None) -> Response:
        """Answer one request; `target` is the request line's, with the query."""
        if method not in ("GET", "HEAD"):
            response = make_response(405, TEXT, b"only GET and HEAD are allowed here\n")
            response.headers["Allow"] = "GET, HEAD"
        else:
            response = self._get(target.partition("?")[0], if_none_match)
        if method == "HEAD":
            response.body = b""  # the headers keep its length
        return response

    def _get(self, path: str, if_none_match: str | None) -> Response:
        if path == "/healthz":
            return self._health()
        if path == "/metrics":
            return make_response(200, "text/plain; version=0.0.4; charset=utf-8", self._metrics().encode())
        file = self._files.find(path)
        if file is None:
            return make_response(404, TEXT, b"there is nothing here\n")
        if if_none_match is not None and file.tag in [given.strip() for given in if_none_match.split(",")]:
            response = make_response(304, None, b"")
        else:
            response = make_response(200, file.content_type, file.body)
        # A browser may keep a file but asks each time: after an upgrade nobody runs an old page.
        del response.headers["Cache-Control"]
        response.headers["Cache-Control"] = "no-cache"
        response.headers["ETag"] = file.tag
        return response

    def _health(self) -> Response:
        linked = self._status.is_linked
        report = {"link": linked, "browsers": len(self._status), "version": self._version}
        return make_response(200 if linked else 503, "application/json", msgspec.json.encode(report))

    def _metrics(self) -> str:
        stats = self._stats
        rows: list[tuple[str, str, str, int]] = [
            ("link_up", "gauge", "1 while the bridge is linked to the server.", int(self._status.is_linked)),
            ("browsers", "gauge", "Browsers connected now.", len(self._status)),
            ("rooms", "gauge", "Rooms that some browser hears.", self._status.room_count),
            ("browsers_total", "counter", "Browsers that ever connected.", stats.accepted),
            (
                "deliveries_total",
                "counter",
                "Messages and other room packets, counted once for each browser.",
                stats.deliveries,
            ),
            ("pauses_total", "counter", "Sessions paused because their browser was slow.", stats.pauses),
            (
                "links_total",
                "counter",
                "Links that the server accepted: the first one and each reconnect.",
                stats.links,
            ),
            ("browser_sent_bytes_total", "counter", "Bytes sent to browsers.", stats.browser_bytes_out),
            (
                "browser_received_bytes_total",
                "counter",
                "Bytes received from browsers.",
                stats.browser_bytes_in,
            ),
            ("link_sent_bytes_total", "counter", "Bytes sent to the server.", stats.link_bytes_out),
            ("link_received_bytes_total", "counter", "Bytes received from the server.", stats.link_bytes_in),
        ]
        return "".join(
            f"# HELP ws_bridge_{name} {text}\n# TYPE ws_bridge_{name} {kind}\nws_bridge_{name} {value}\n"
            for name, kind, text, value in rows
        )


def make_response(status: int, content_type: str | None, body: bytes) -> Response:
    """Make a response with the headers that every answer of the bridge has."""
    headers = Headers(
        {
            "Date": formatdate(usegmt=True),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Referrer-Policy": "no-referrer",
        }
    )
    if content_type is not None:
        headers["Content-Type"] = content_type
        headers["Content-Length"] = str(len(body))
    return Response(status, http.HTTPStatus(status).phrase, headers, body)
