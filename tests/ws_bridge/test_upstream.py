"""The link itself: how it is made, kept alive, lost and made again."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tcp_server.wordpacket import encode
from tests.ws_bridge.rig import HELLO, FakeServer, Link, Rig, msg
from ws_bridge.timing import Timing, backoff

Start = Callable[..., Awaitable[Rig]]


def test_backoff() -> None:
    """From 0.1 s, doubling to 5 s, and each cut by up to a half."""
    most = backoff(Timing(), lambda low, high: high)
    assert list(itertools.islice(most, 8)) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5])
    least = backoff(Timing(), lambda low, high: low)
    assert next(least) == pytest.approx(0.05)


async def test_secret_and_name(start: Start, server: FakeServer) -> None:
    """LINK comes after HELLO, with the secret if there is one."""
    await start({"secret": "s3cret"})
    link = await server.connection()
    link.say(HELLO)
    await link.expect("LINK", name="ws_bridge", secret="s3cret")


async def test_refused_link(start: Start, server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    """A server that wants no bridge is asked again; the reason is logged once."""
    await start()
    for _ in range(3):
        link = await server.connection()
        link.say(HELLO)
        await link.expect("LINK")
        link.say({"type": "BYE", "reason": "forbidden", "message": "wrong secret"})
        link.close()
    await server.connection()
    complaints = [record for record in caplog.records if "wrong secret" in record.getMessage()]
    assert [record.levelno for record in complaints if record.levelno >= logging.WARNING] == [logging.WARNING]


async def test_ping_is_answered(rig: Rig, link: Link) -> None:
    """The server pings the link as one."""
    link.say({"type": "PING", "ref": "r"}, {"type": "PING"})
    assert await link.hear() == {"type": "PONG", "ref": "r"}
    assert await link.hear() == {"type": "PONG"}


async def test_unknown_link_packets_change_nothing(rig: Rig, link: Link, caplog: pytest.LogCaptureFixture) -> None:
    """A second READY, a PONG that nobody waits for, a new type; an ERROR is logged."""
    link.say(
        {"type": "READY", "link": True},
        {"type": "PONG", "ref": "whose"},
        {"type": "NEW"},
        {"type": "ERROR", "code": "bad_packet", "message": "odd number"},
    )
    await link.nothing()
    assert "odd number" in caplog.text
    assert rig.bridge.stats.links == 1


async def test_a_silent_server_is_given_up(start: Start, server: FakeServer) -> None:
    """It is asked for a sign of life first, and then tried anew."""
    await start(link_ping=0.03, link_dead=0.06)
    link = await server.link()
    await link.expect("PING")
    link = await server.link()
    await link.expect("PING")
    link.say({"type": "PONG"})
    await link.expect("PING")


async def test_a_server_that_never_says_hello(start: Start, server: FakeServer) -> None:
    """A connection that becomes no link is given up too."""
    await start(link_dead=0.03)
    await server.connection()
    await server.connection()


@pytest.mark.parametrize("body", [b"[]", b"x", b'{"type":"\xff"}', b'{"type":5}', b'{"room":{}}'])
async def test_bad_bodies_are_passed_over(rig: Rig, link: Link, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A body that can't be read is logged, and the next one counts."""
    browser = await rig.enter(link, 1, "a")
    link.write(encode(body) + encode(b'{"type":"MSG","room":"a","id":1}'))
    await browser.expect("MSG", id=1)
    assert "no packet" in caplog.text


async def test_length_zero_ends_the_link(
    rig: Rig, link: Link, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The stream can't be read any further; all that was good before it counts, and the next link is sound."""
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


async def test_a_server_that_cannot_be_reached(
    start: Start, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried until it is there; the log says why not, once."""
    await server.stop()
    rig = await start(away=0.2)
    assert await (await rig.browser()).closed() == 1013
    await server.start()
    await server.link()
    complaints = [r for r in caplog.records if r.levelno >= logging.WARNING and "trying again" in r.getMessage()]
    assert len(complaints) == 1


async def test_a_server_that_can_not_be_named(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """A host name that is none is told, not a traceback."""
    rig = await start({"server": ("x" * 64, 9000)}, away=0.1)
    assert await (await rig.browser()).closed() == 1013
    assert "trying again" in caplog.text
    assert "Traceback" not in caplog.text


async def test_order_over_reads(rig: Rig, link: Link) -> None:
    """A packet cut by TCP at any place is one packet."""
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
