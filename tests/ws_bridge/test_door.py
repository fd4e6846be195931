"""The door, over sockets: HTTP, handshakes and origins."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from bridge_rig import PATIENCE, Link, Rig
from websockets.exceptions import InvalidStatus

from ws_bridge.door import HEAD_MAX, is_origin_allowed

Start = Callable[..., Awaitable[Rig]]

UPGRADE = (
    "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


async def ask(rig: Rig, request: str | bytes) -> tuple[int, str]:
    """Send a request as it is; return the status (0: none) and all of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(request if isinstance(request, bytes) else request.encode("latin-1"))
    async with asyncio.timeout(PATIENCE):
        response = (await reader.read()).decode("latin-1")
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return int(response.split()[1]) if response else 0, response


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "chat.example", True),
        ("null", "chat.example", True),
        ("http://chat.example", "chat.example", True),
        ("https://chat.example", "chat.example", True),
        ("http://chat.example", "chat.example:80", True),
        ("https://chat.example", "chat.example:443", True),
        ("http://chat.example:8765", "chat.example:8765", True),
        ("http://CHAT.example", "chat.EXAMPLE", True),
        ("http://[2001:db8::1]:8765", "[2001:db8::1]:8765", True),
        ("http://chat.example", "chat.example:8765", False),
        ("https://chat.example", "chat.example:80", False),
        ("http://evil.example", "chat.example", False),
        ("http://chat.example.evil.example", "chat.example", False),
        ("http://chat.example", None, False),
        ("http://localhost", "chat.example", True),
        ("http://localhost:3000", "chat.example", True),
        ("https://127.0.0.1:1", "chat.example", True),
        ("http://127.9.9.9", "chat.example", True),
        ("http://[::1]:5173", "chat.example", True),
        ("http://localhost.evil.example", "chat.example", False),
        ("http://127.0.0.1.evil.example", "chat.example", False),
        ("http://128.0.0.1", "chat.example", False),
        ("http://localhost@evil.example", "chat.example", False),
        ("http://chat.example@chat.example", "chat.example", False),
        ("http://chat.example/", "chat.example", False),
        ("file://chat.example", "chat.example", False),
        ("chrome-extension://abc", "abc", False),
        ("http://", "chat.example", False),
        ("http://", "", False),
        ("http://x:99999", "x:99999", False),
        ("http://chat.example", "chat.example:x", False),
        ("http://[", "chat.example", False),
        ("", "", False),
        ("https://friend.example", "chat.example", True),
        ("HTTPS://Friend.Example", "chat.example", True),
        ("http://friend.example", "chat.example", False),
    ],
)
def test_origins(origin: str | None, host: str | None, allowed: bool) -> None:
    """None, `null`, the host that was asked for, this machine, and what --origin names."""
    assert is_origin_allowed(origin, host, {"https://friend.example"}) is allowed


async def test_both_paths_lead_in(rig: Rig, link: Link) -> None:
    """WebSocket on / and /ws, with a query too; the page is on / as well."""
    for number, path in enumerate(("/", "/ws", "/?x=1", "/ws?x=1"), 1):
        await rig.open(link, number, path=path, origin="null")
    status, response = await ask(rig, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 200
    assert response.endswith("<title>chat</title>")


@pytest.mark.parametrize(("path", "origin", "status"), [("/other", None, 404), ("/ws", "http://evil.example", 403)])
async def test_refused_handshakes(rig: Rig, link: Link, path: str, origin: str | None, status: int) -> None:
    """The server never hears of them."""
    with pytest.raises(InvalidStatus) as refused:
        await rig.browser(path, origin=origin)
    assert refused.value.response.status_code == status
    await link.nothing()


async def test_given_origins_are_let_in(start: Start) -> None:
    """--origin widens the door."""
    rig = await start({"origins": frozenset({"http://friend.example"})})
    await rig.browser(origin="http://friend.example")


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET /metrics HTTP/1.1\r\n\r\n", 200),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("HEAD / HTTP/1.1\r\n\r\n", 200),
        ("GET /..%2f HTTP/1.1\r\n\r\n", 404),
        ("GET /ws HTTP/1.1\r\n\r\n", 404),
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
        ("BREW /pot HTTP/1.1\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400),
        ("GET /\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("\x16\x03\x01 hello TLS\r\n\r\n", 400),
        ("GET /ä HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nX: " + "x" * 9000 + "\r\n\r\n", 431),
        ("GET /" + "x" * 9000 + " HTTP/1.1\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\n" + "X: y\r\n" * 200 + "\r\n", 431),
        ("GET / HTTP/1.1\r\nX: " + "x" * HEAD_MAX, 431),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE}Origin: null\r\nOrigin: null\r\n\r\n", 403),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE.replace('13', '12')}\r\n", 400),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE.replace('Connection: Upgrade', 'X: y')}\r\n", 426),
        (f"GET /ws HTTP/1.1\r\n{UPGRADE.replace('dGhl', '')}\r\n", 400),
        (f"HEAD / HTTP/1.1\r\n{UPGRADE}\r\n", 200),
    ],
)
async def test_requests(rig: Rig, caplog: pytest.LogCaptureFixture, request_text: str, status: int) -> None:
    """Each gets its answer, the connection is closed, and no traceback is logged."""
    assert (await ask(rig, request_text))[0] == status
    assert "Traceback" not in caplog.text


async def test_the_page_is_revalidated(rig: Rig) -> None:
    """A browser's ETag gets 304."""
    _, response = await ask(rig, "GET / HTTP/1.1\r\n\r\n")
    tag = response.partition("ETag: ")[2].partition("\r\n")[0]
    status, response = await ask(rig, f"GET / HTTP/1.1\r\nIf-None-Match: {tag}\r\n\r\n")
    assert status == 304
    assert response.endswith("\r\n\r\n")


async def test_one_request_a_connection(rig: Rig) -> None:
    """What is sent behind the request is left unread, in the same segment and in a later one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(b"GET /healthz HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        await reader.readline()
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        rest = await reader.read()
    assert b"HTTP/1.1" not in rest
    writer.close()


async def test_frames_right_behind_the_request(rig: Rig, link: Link) -> None:
    """A client that doesn't wait for the 101 loses nothing."""
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
    for request in ("", "GET / HT", "GET / HTTP/1.1\r\nX: y\r\n"):
        with contextlib.suppress(ConnectionError):
            assert (await ask(rig, request))[0] == 0


async def test_an_unfinished_request_does_not_keep_the_bridge(rig: Rig) -> None:
    """A bridge that ends closes the doors too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(b"GET / HT")
    await ask(rig, "GET /healthz HTTP/1.1\r\n\r\n")
    await rig.bridge.close()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
