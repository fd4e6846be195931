"""The head of an HTTP request: what is read of it, and what is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_bridge.request import END_OF_HEAD, HEAD_MAX, HEADERS_MAX, LINE_MAX, BadRequest, announces_body, parse_request


def head(line: str = "GET / HTTP/1.1", *headers: str) -> bytes:
    """Return a request with a Host in front of these headers."""
    return "\r\n".join([line, "Host: x", *headers, "", ""]).encode("latin-1")


def test_a_request() -> None:
    """Method, target, protocol, and headers in any case, without the white space around their values."""
    request = parse_request(head("HEAD /a?b HTTP/1.1", "X-Y: \t z y ", "x-y:2", "empty:"))
    assert (request.method, request.path, request.protocol) == ("HEAD", "/a?b", "HTTP/1.1")
    assert request.headers["host"] == "x"
    assert request.headers.get_all("X-Y") == ["z y", "2"]
    assert request.headers["Empty"] == ""


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("/a", "/a", "x"),
        ("http://y", "/", "y"),
        ("HTTPS://y:1/a/b?c", "/a/b?c", "y:1"),
        ("http://y?c=/", "/?c=/", "y"),
        ("http://[::1]:1/", "/", "[::1]:1"),
        ("http://a@y/", "http://a@y/", "x"),
        ("http:///a", "http:///a", "x"),
        ("ftp://y/", "ftp://y/", "x"),
        ("*", "*", "x"),
    ],
)
def test_targets(target: str, path: str, host: str) -> None:
    """The host of an absolute target takes the place of the Host."""
    request = parse_request(head(f"GET {target} HTTP/1.1"))
    assert (request.path, request.headers.get_all("Host")) == (path, [host])


def test_no_host() -> None:
    """HTTP/1.0 has none; the target may have one there too."""
    assert parse_request(b"GET / HTTP/1.0\r\n\r\n").headers.get_all("Host") == []
    assert parse_request(b"GET http://y HTTP/1.0\r\n\r\n").headers.get_all("Host") == ["y"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\r\n\r\n", 400),
        (head("GET /"), 400),
        (head("GET  / HTTP/1.1"), 400),
        (head("GET / HTTP/2.0"), 400),
        (head("GET / http/1.1"), 400),
        (head("G\u00c4T / HTTP/1.1"), 400),
        (head("GET /\u00e4 HTTP/1.1"), 400),
        (head("GET /\x1b HTTP/1.1"), 400),
        (head("GET / HTTP/1.1", "no colon"), 400),
        (head("GET / HTTP/1.1", "X : y"), 400),
        (head("GET / HTTP/1.1", ": y"), 400),
        (head("GET / HTTP/1.1", "X: y", " folded"), 400),
        (head("GET / HTTP/1.1", "X: y\nHost: z"), 400),
        (head("GET / HTTP/1.1", "X: y\x1b"), 400),
        (head("GET / HTTP/1.1", "host: y"), 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET http://y/ HTTP/1.1\r\n\r\n", 400),
        (head("GET / HTTP/1.1", *["X: y"] * HEADERS_MAX), 431),
        (head("GET /" + "x" * LINE_MAX + " HTTP/1.1"), 431),
        (head("GET / HTTP/1.1", "X: " + "x" * LINE_MAX), 431),
        (head("GET / HTTP/1.1", *["X: " + "x" * (LINE_MAX // 4)] * (4 * HEAD_MAX // LINE_MAX)), 431),
    ],
)
def test_refused_requests(data: bytes, status: int) -> None:
    """Each has the status that says why."""
    with pytest.raises(BadRequest) as refused:
        parse_request(data)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("headers", "announced"),
    [
        ([], False),
        (["Content-Length: 0", "Content-Length: 0"], False),
        (["Content-Length: 0", "Content-Length: 5"], True),
        (["Content-Length: x"], True),
        (["Transfer-Encoding: chunked"], True),
    ],
)
def test_bodies(headers: list[str], announced: bool) -> None:
    """A length other than 0, or pieces."""
    assert announces_body(parse_request(head("GET / HTTP/1.1", *headers))) is announced


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are a request or a BadRequest, and never another exception."""
    for whole in (data, b"GET / HTTP/1.1\r\nHost: x\r\n" + data):
        with contextlib.suppress(BadRequest):
            assert parse_request(whole.replace(END_OF_HEAD, b"") + END_OF_HEAD).path
