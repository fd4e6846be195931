"""Origins: which pages may open a WebSocket at this bridge (RFC 6454, PROTOCOL.md section 6).

Two spellings of an origin are the same: in upper case, with the scheme's own port, with the final dot of a host, with
an IPv6 address written differently, and with a host in its own script or in ASCII (`xn--…`, as browsers send it).
"""

import unicodedata
from collections.abc import Collection
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from tcp_server.net.addresses import is_loopback

HOST_MAX = 253  # characters (RFC 1035); converting a name takes time that grows with the square of its length

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """An origin in its one form: in lower case and ASCII, and with the port that its scheme implies."""

    scheme: str
    host: str
    port: int | None


def parse_origin(text: str) -> Origin | None:
    """Read an Origin header: scheme, host and port, and nothing else; None if it is none, as `null`."""
    try:
        parts = urlsplit(text)
        if text.lower() != f"{parts.scheme}://{parts.netloc}".lower() or "@" in parts.netloc:
            return None
        return _origin(parts, parts.scheme)
    except ValueError:  # the port is no number, or the host no IPv6 address
        return None


def is_origin_allowed(header: str | None, host: str | None, allowed: Collection[Origin]) -> bool:
    """Say whether a page whose Origin is `header` may open a WebSocket at `host` (the Host header).

    A program sends no origin, and a page opened from disk sends `null`.
    """
    if header is None or header == "null":
        return True
    page = parse_origin(header)
    if page is None:
        return False
    if page in allowed:
        return True
    if page.scheme not in _DEFAULT_PORTS:
        return False
    return page == _asked(host or "", page.scheme) or page.host == "localhost" or is_loopback(page.host)


def _asked(host: str, scheme: str) -> Origin | None:
    """Return the origin that a Host header stands for; its scheme is the page's, since a proxy may have ended TLS."""
    try:
        return _origin(urlsplit(f"//{host}"), scheme)
    except ValueError:
        return None


def _origin(parts: SplitResult, scheme: str) -> Origin | None:
    host = _ascii_host(parts.hostname) if parts.hostname and len(parts.hostname) <= HOST_MAX else ""
    return Origin(scheme, host, parts.port or _DEFAULT_PORTS.get(scheme)) if scheme and host else None


def _ascii_host(host: str) -> str:
    """Return a host as a browser sends it (UTS #46, by which `ß` stays what it is)."""
    host = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", host).lower())
    labels = host.replace("\u3002", ".").removesuffix(".").split(".")  # U+3002: a full stop of East Asia
    host = ".".join([label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels])
    try:
        return str(ip_address(host))
    except ValueError:
        return host
