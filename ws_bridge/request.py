"""Reads the head of an HTTP request (RFC 9112); no socket.

The `websockets` library reads only requests that ask for a WebSocket, one a connection, and lines of at most 8 KiB.
"""

import re

from websockets.datastructures import Headers
from websockets.http11 import Request

LINE_MAX = 16 * 1024  # bytes; the cookies of one host come in one line
HEAD_MAX = 32 * 1024  # bytes of a request: a long line, and all others
HEADERS_MAX = 128

END_OF_HEAD = b"\r\n\r\n"

_TOKEN = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(rb"[\x21-\x7e]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_ABSOLUTE = re.compile(r"https?://([^/?#@\\]+)(/[^?]*)?(\?.*)?", re.IGNORECASE)


class BadRequest(ValueError):
    """This is no request that can be answered.

    Attributes:
        status: the response's.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def parse_request(head: bytes) -> Request:
    """Read a request's head, which must end with END_OF_HEAD.

    An absolute target becomes a path, and its host the Host.

    Raises:
        BadRequest: it breaks the rules of HTTP/1.1 or HTTP/1.0, or is too long.
    """
    lines = head.removesuffix(END_OF_HEAD).split(b"\r\n")
    if len(head) > HEAD_MAX or len(lines) > HEADERS_MAX + 1 or max(map(len, lines)) > LINE_MAX:
        raise BadRequest(431, "the request is too long")
    method, path, protocol = _parse_request_line(lines[0])
    headers = Headers()
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise BadRequest(400, "a header is a name, a colon and a value")
        headers[name.decode()] = value.strip(b" \t").decode("latin-1")
    hosts = headers.get_all("Host")
    if len(hosts) > 1 or (not hosts and protocol == "HTTP/1.1"):  # of two, a proxy may have checked the other one
        raise BadRequest(400, "a request has one Host")
    absolute = _ABSOLUTE.fullmatch(path)
    if absolute:
        if hosts:
            del headers["Host"]
        headers["Host"] = absolute[1]
        path = (absolute[2] or "/") + (absolute[3] or "")
    return Request(path, headers, method, protocol)


def announces_body(request: Request) -> bool:
    """Say whether a body follows the head."""
    lengths = set(request.headers.get_all("Content-Length"))
    return "Transfer-Encoding" in request.headers or not lengths <= {"0"}


def _parse_request_line(line: bytes) -> tuple[str, str, str]:
    parts = line.split(b" ")
    if len(parts) != 3 or parts[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest(400, "a request begins with a method, a target and HTTP/1.1")
    if not _TOKEN.fullmatch(parts[0]) or not _TARGET.fullmatch(parts[1]):
        raise BadRequest(400, "a method is letters, and a target is ASCII")
    return parts[0].decode(), parts[1].decode(), parts[2].decode()
