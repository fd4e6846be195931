"""One link: its opening, its own packets, and how its bytes are read."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from tcp_server.wordpacket import encode
from tests.ws_bridge.rig import HELLO, FakeServer, Link, Rig, msg
from ws_bridge.server_link import ServerLink
from ws_bridge.stats import Stats

Start = Callable[..., Awaitable[Rig]]


async def test_secret_and_name(start: Start, server: FakeServer) -> None:
    """LINK comes after HELLO, with the secret if there is one."""
    await start({"secret": "s3cret"})
    link = await server.connection()
    link.say(HELLO)
    await link.expect("LINK", name="ws_bridge", secret="s3cret")


async def test_ping_is_answered(rig: Rig, link: Link) -> None:
    """The link answers a PING itself, with its ref."""
    link.say({"type": "PING", "ref": "r"}, {"type": "PING"})
    assert await link.hear() == {"type": "PONG", "ref": "r"}
    assert await link.hear() == {"type": "PONG"}


async def test_unknown_link_packets_change_nothing(rig: Rig, link: Link, caplog: pytest.LogCaptureFixture) -> None:
    """A second READY, a PONG without a fence, a new type; an ERROR is logged."""
    link.say(
        {"type": "READY", "link": True},
        {"type": "PONG", "ref": "whose"},
        {"type": "NEW"},
        {"type": "ERROR", "code": "bad_packet", "message": "odd number"},
    )
    await link.nothing()
    assert "odd number" in caplog.text
    assert rig.bridge.stats.links == 1


@pytest.mark.parametrize("body", [b"[]", b"x", b'{"type":"\xff"}', b'{"type":5}', b'{"room":{}}', b'{"a":' * 9_000])
async def test_bad_bodies_are_passed_over(rig: Rig, link: Link, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A body that can't be read is logged, and the next one counts."""
    browser = await rig.enter(link, 1, "a")
    link.write(encode(body) + encode(b'{"type":"MSG","room":"a","id":1}'))
    await browser.expect("MSG", id=1)
    assert "no packet" in caplog.text


async def test_length_zero_ends_the_link(
    rig: Rig, link: Link, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The stream can't be read any further; earlier frames count, and the next link works."""
    browser = await rig.enter(link, 1, "a")
    link.write(encode(b'{"type":"MSG","room":"a","id":1}') + b"\0\0")
    await browser.expect("MSG", id=1)
    await browser.expect("NOTICE")
    link = await server.link()
    await link.expect("OPEN")
    await link.expect("NICK", after=1)
    assert "broken frame" in caplog.text


async def test_a_bug_ends_the_link(
    rig: Rig, link: Link, server: FakeServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of our own is logged with its traceback, and the sessions start afresh."""

    def fail(*arguments: Any) -> None:
        raise AssertionError("this can't happen")

    with monkeypatch.context() as patch:
        patch.setattr("ws_bridge.translate.link_pong", fail)
        link.say({"type": "PING"})
        link = await server.link()
    assert "this can't happen" in caplog.text
    await link.nothing()


async def test_a_broken_connection_has_a_reason() -> None:
    """`ended` has the error; a connection that became no link is not reported as a lost link."""
    link = ServerLink(None, Unused(), Stats())
    link.connection_lost(OSError("no route to host"))
    assert await link.ended == "no route to host"


class Unused:
    """A downstream that must not be called."""

    def link_opened(self, link: ServerLink) -> None:
        raise AssertionError("no link was opened")

    def link_lost(self) -> None:
        raise AssertionError("no link was lost")

    def link_writable(self) -> None:
        raise AssertionError("no link was congested")

    def tick(self, link: ServerLink, bodies: Iterable[bytes]) -> None:
        raise AssertionError("no body was read")


async def test_order_over_reads(rig: Rig, link: Link) -> None:
    """A frame that TCP cuts at any place is one frame."""
    browser = await rig.enter(link, 1, "a")
    bodies = [b'{"type":"MSG","room":"a","id":%d}' % i for i in range(1, 4)]
    stream = b"".join(len(body).to_bytes(2, "big") + body for body in bodies)
    for i in range(len(stream)):
        link.write(stream[i : i + 1])
        await link.drain()
        await asyncio.sleep(0)
    for id in range(1, 4):
        await browser.expect("MSG", id=id)
    link.say(msg("a", 4))
    await browser.expect("MSG", id=4)
