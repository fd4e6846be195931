"""The page and the bridge's own reports over HTTP: `web/`, `/healthz`, `/metrics`.

This module makes responses and reads files; `door` has the connection.
"""

import hashlib
import http
from email.utils import formatdate
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes

import msgspec
from websockets.datastructures import Headers
from websockets.http11 import Response

from ws_bridge.stats import Stats

# What a page may do: load its own files, and open a WebSocket to any server that its user names.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "manifest-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

# No other kind of file is served.
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

TEXT = "text/plain; charset=utf-8"


def find_web() -> Path:
    """Return the folder of the page: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "web"
    return inside if (inside / "index.html").is_file() else package.parent / "web"


class BridgeStatus(Protocol):
    """The figures of the running bridge that the reports show."""

    @property
    def is_linked(self) -> bool: ...

    @property
    def room_count(self) -> int: ...

    def __len__(self) -> int: ...


class Page:
    """Answers every request that does not ask for a WebSocket."""

    def __init__(self, web: Path, version: str, status: BridgeStatus, stats: Stats) -> None:
        self._web = web.resolve()
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
        found = self._find(path)
        if found is None:
            return make_response(404, TEXT, b"there is nothing here\n")
        suffix, body = found
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if if_none_match is not None and tag in [given.strip() for given in if_none_match.split(",")]:
            response = make_response(304, None, b"")
        else:
            response = make_response(200, CONTENT_TYPES[suffix], body)
        # A browser may keep a file but asks each time: after an upgrade nobody runs an old page.
        del response.headers["Cache-Control"]
        response.headers["Cache-Control"] = "no-cache"
        response.headers["ETag"] = tag
        return response

    def _find(self, path: str) -> tuple[str, bytes] | None:
        """Return suffix and content of the file that a path names; None if the page's folder has no such file."""
        try:
            decoded = unquote_to_bytes(path).decode()
        except UnicodeDecodeError:
            return None
        root, *parts = decoded.split("/")
        if parts == [""]:
            parts = ["index.html"]
        # No empty part (an absolute path), no dot in front (`..`, and hidden files), and no character that separates
        # folders or drives on Windows or ends a string of the operating system.
        if root or not parts or any(not part or part.startswith(".") or set(part) & set("\\:\0") for part in parts):
            return None
        try:
            file = self._web.joinpath(*parts).resolve()  # follows links, which might lead outside
            if file.is_relative_to(self._web) and file.suffix in CONTENT_TYPES:
                return file.suffix, file.read_bytes()
        except OSError:  # no such file, a folder, a name too long, no permission
            pass
        return None

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
