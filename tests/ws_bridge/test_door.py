"""The door, over sockets: HTTP, handshakes and origins."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from tests.ws_bridge.rig import PATIENCE, Link, Rig
from ws_bridge.door import TURN_MAX
from ws_bridge.origins import parse_origin
from ws_bridge.page import Page
from ws_bridge.request import HEAD_MAX, LINE_MAX

Start = Callable[..., Awaitable[Rig]]

UPGRADE = (
    "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
HTTP = "HTTP/1.1\r\nHost: x\r\n"


async def ask(rig: Rig, request: str, ends: bool = True) -> tuple[int, str]:
    """Send a request as it is, and an end unless more might come; return the status (0: none) and the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(request.encode("latin-1"))
    if ends:
        writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        response = (await reader.read()).decode("latin-1")
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return int(response.split()[1]) if response else 0, response


async def test_both_paths_lead_in(rig: Rig, link: Link) -> None:
    """WebSocket on / and /ws, with a query too; the page is on / as well."""
    for number, path in enumerate(("/", "/ws", "/?x=1", "/ws?x=1"), 1):
        await rig.open(link, number, path=path, origin="null")
    status, response = await ask(rig, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 200
    assert response.endswith("<title>chat</title>")


@pytest.mark.parametrize(("path", "origin", "status"), [("/other", None, 404), ("/ws", "http://evil.example", 403)])
async def test_refused_handshakes(rig: Rig, link: Link, path: str, origin: str | None, status: int) -> None:
    """No session is opened for a refused request."""
    with pytest.raises(InvalidStatus) as refused:
        await rig.browser(path, origin=origin)
    assert refused.value.response.status_code == status
    await link.nothing()


async def test_given_origins_are_let_in(start: Start) -> None:
    """--origin admits pages of another site."""
    rig = await start({"origins": frozenset({parse_origin("http://friend.example")})})
    await rig.browser(origin="http://friend.example")


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (f"GET /metrics {HTTP}\r\n", 200),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        (f"GET / {HTTP}Host: y\r\n\r\n", 400),
        (f"\r\n\r\nGET / {HTTP}\r\n", 200),
        (f"GET http://x/metrics {HTTP}\r\n", 200),
        (f"HEAD / {HTTP}\r\n", 200),
        (f"GET /..%2f {HTTP}\r\n", 404),
        (f"GET /ws {HTTP}\r\n", 426),
        (f"GET /ws?x {HTTP}Connection: keep-alive\r\n\r\n", 426),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE}Host: evil.example\r\n\r\n", 400),
        (f"POST / {HTTP}Content-Length: 5\r\n\r\nhello", 405),
        (f"BREW /pot {HTTP}\r\n", 405),
        (f"GET / {HTTP}Content-Length: 5\r\n\r\nhello", 400),
        (f"GET / {HTTP}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("\x16\x03\x01 hello TLS\r\n\r\n", 400),
        (f"GET / {HTTP}Cookie: {'x' * (LINE_MAX - 8)}\r\n\r\n", 200),
        (f"GET / {HTTP}Cookie: {'x' * (LINE_MAX - 7)}\r\n\r\n", 431),
        (f"GET / {HTTP}X: {'x' * HEAD_MAX}", 431),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE}Origin: null\r\nOrigin: null\r\n\r\n", 403),
        (f"GET http://evil.example/ws HTTP/1.1\r\n{UPGRADE}Origin: http://evil.test\r\n\r\n", 403),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE.replace('13', '12')}\r\n", 400),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE.replace('Connection: Upgrade', 'X: y')}\r\n", 426),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE.replace('dGhl', '')}\r\n", 400),
        (f"GET /ws HTTP/1.0\r\n{UPGRADE}\r\n", 505),
        (f"HEAD / HTTP/1.1\r\n{UPGRADE}\r\n", 200),
    ],
)
async def test_requests(rig: Rig, caplog: pytest.LogCaptureFixture, request_text: str, status: int) -> None:
    """Each gets its answer, the connection is closed, and no traceback is logged."""
    assert (await ask(rig, request_text))[0] == status
    assert "Traceback" not in caplog.text


async def test_the_page_is_revalidated(rig: Rig) -> None:
    """A browser's ETag gets 304."""
    _, response = await ask(rig, f"GET / {HTTP}\r\n")
    tag = response.partition("ETag: ")[2].partition("\r\n")[0]
    status, response = await ask(rig, f"GET / {HTTP}If-None-Match: {tag}\r\n\r\n")
    assert status == 304
    assert response.endswith("\r\n\r\n")


async def test_a_connection_serves_many_requests(rig: Rig, link: Link) -> None:
    """One after the other, in one segment or in pieces, and a WebSocket in the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    async with asyncio.timeout(PATIENCE):
        for pieces in ([request], [request + request], [request[:5], request[5:] + request[:7], request[7:]]):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            for _ in range(b"".join(pieces).count(b"GET")):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                assert await reader.readuntil(b"</title>")
        writer.write(f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    await link.expect("OPEN", session=1)
    writer.close()


@pytest.mark.parametrize(
    "request_text", ["GET / HTTP/1.0\r\n\r\n", f"GET / {HTTP}Connection: Close\r\n\r\n", f"PUT / {HTTP}\r\n"]
)
async def test_the_last_request(rig: Rig, request_text: str) -> None:
    """Bytes behind a request that ends the connection are ignored."""
    status, response = await ask(rig, request_text + f"GET / {HTTP}\r\n")
    assert status in (200, 405)
    assert response.count("HTTP/1.1") == 1
    assert "Connection: close" in response


async def test_responses_that_are_not_read(start: Start, web: Path) -> None:
    """Requests wait until the earlier responses are taken, so unread responses are bounded; no request is lost."""
    (web / "big.txt").write_bytes(b"x" * 1_000_000)
    rig = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, limit=1000)
    writer.write(f"GET /big.txt {HTTP}\r\n".encode() * 40)
    async with asyncio.timeout(4 * PATIENCE):
        for _ in range(40):
            await reader.readuntil(b"\r\n\r\n")
            assert len(await reader.readexactly(1_000_000)) == 1_000_000
    writer.close()


async def test_many_requests_take_turns(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one connection only so many are answered before the others have their turn; none is lost."""
    turns: list[int] = []
    respond = Page.respond

    def note(page: Page, *arguments: Any) -> Response:
        turns[-1] += 1
        return respond(page, *arguments)

    def next_turn() -> None:
        turns.append(0)
        loop.call_soon(next_turn)

    monkeypatch.setattr(Page, "respond", note)
    loop = asyncio.get_running_loop()
    next_turn()
    count = 10 * TURN_MAX + 1
    requests = f"GET /missing {HTTP}\r\n" * (count - 1) + f"GET /missing {HTTP}Connection: close\r\n\r\n"
    _, response = await ask(rig, requests, ends=False)
    assert response.count("HTTP/1.1 404") == count == sum(turns)
    assert max(turns) == TURN_MAX


async def test_the_host_of_an_absolute_target_counts(rig: Rig, link: Link) -> None:
    """A page from there may open a WebSocket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(f"GET http://chat.example/ws HTTP/1.1\r\n{UPGRADE}Origin: http://chat.example\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    await link.expect("OPEN")
    writer.close()


async def test_frames_right_behind_the_request(rig: Rig, link: Link) -> None:
    """A client that doesn't wait for the 101 loses no frame."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    frame = b"\x81\x8f\0\0\0\0" + b'{"type":"PING"}'
    writer.write(f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n".encode() + frame)
    await link.expect("OPEN", session=1)
    await link.expect("PING", session=1)
    writer.close()
    await reader.read()


async def test_who_says_nothing_is_shown_out(start: Start) -> None:
    """A connection without a whole request is closed after its time."""
    rig = await start(handshake=0.05)
    for request in ("", "GET / HT", f"GET / {HTTP}X: y\r\n"):
        with contextlib.suppress(ConnectionError):
            assert await ask(rig, request, ends=False) == (0, "")
    status, _ = await ask(rig, f"GET / {HTTP}\r\n", ends=False)
    assert status == 200


async def test_an_unfinished_request_does_not_keep_the_bridge(rig: Rig) -> None:
    """A bridge that ends closes the doors too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(b"GET / HT")
    await ask(rig, f"GET /healthz {HTTP}\r\n")
    await rig.bridge.close()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
