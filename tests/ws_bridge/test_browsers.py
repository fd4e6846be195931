"""All browsers together: without a server, many at once, silence, and a congested link."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.exceptions import ConnectionClosed

from tests.ws_bridge.rig import HELLO, PATIENCE, FakeBrowser, FakeServer, Link, Rig, ready
from ws_bridge import browsers as browsers_module
from ws_bridge.browser import HELD_MAX

Start = Callable[..., Awaitable[Rig]]


async def test_without_a_server(start: Start, server: FakeServer) -> None:
    """A browser's first packet is HELLO, once there is a server."""
    await server.stop()
    rig = await start()
    browser = await rig.browser()
    await browser.say(type="PING")
    await browser.say(type="NICK", nickname="ann")
    await server.start()
    link = await server.link()
    await link.expect("OPEN", session=1)
    await link.expect("PING", session=1)
    await link.expect("NICK", session=1)
    link.session(1, **HELLO)
    await browser.expect("HELLO")


async def test_too_long_without_a_server(start: Start, server: FakeServer) -> None:
    """Browsers are closed with 1013, each after its own time."""
    rig = await start(away=0.2)
    link = await server.link()
    early = await rig.enter(link, 1)
    await server.stop()
    await early.expect("NOTICE")
    late = await rig.browser()
    assert await early.closed() == 1013
    assert await late.closed() == 1013
    assert len(rig.bridge.browsers) == 0


async def test_the_notice_is_repeated(start: Start, server: FakeServer) -> None:
    """While there is no server, to whoever has had a HELLO and takes what it is sent; and no longer than that."""
    rig = await start(notice=0.02)
    link = await server.link()
    browser, slow = await rig.enter(link, 1), await rig.enter(link, 2)
    rig.bridge.browsers.browser(2).is_congested = True
    await server.stop()
    new = await rig.browser()
    for _ in range(3):
        await browser.expect("NOTICE")
    rig.bridge.browsers.browser(2).is_congested = False
    await server.start()
    link = await server.link()
    for number in (1, 2):
        await link.expect("OPEN", session=number)
        await link.expect("NICK", session=number)
        link.say(ready(number, resumed=True))
    assert len(await browser.everything("READY")) < 100
    assert [packet["type"] for packet in await slow.everything("READY")][:1] == ["NOTICE"]
    await link.expect("OPEN", session=3)
    link.session(3, **HELLO)
    await new.expect("HELLO")
    assert rig.bridge.browsers._notice_timer is None


async def test_what_waits_for_the_server_is_bounded(
    rig: Rig, link: Link, server: FakeServer, unread: asyncio.Event
) -> None:
    """64 KiB of a browser's frames are held, then its socket isn't read; all frames arrive in order later."""
    browser = await rig.enter(link, 1)
    await server.stop()
    await browser.expect("NOTICE")
    sending = asyncio.create_task(say_numbers(browser, 5_000, size=200))
    await asyncio.wait_for(unread.wait(), PATIENCE)
    assert HELD_MAX <= rig.bridge.browsers.browser(1).held_bytes < 2 * HELD_MAX
    await server.start()
    link = await server.link()
    await link.expect("OPEN")
    await link.expect("NICK")
    for number in range(5_000):
        assert (await link.hear())["ref"] == str(number)
    await sending


async def say_numbers(browser: FakeBrowser, count: int, size: int) -> None:
    for number in range(count):
        await browser.say(type="MSG", message="x" * size, ref=str(number))


async def test_many_come_back_slice_by_slice(rig: Rig, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next slice of sessions is opened once the server has taken the one before."""
    monkeypatch.setattr(browsers_module, "SLICE", 2)
    browsers = [await rig.enter(link, number) for number in range(1, 6)]
    link.reset()
    link = await rig.server.link()
    for numbers in ((1, 2), (3, 4), (5,)):
        for number in numbers:
            await link.expect("OPEN", session=number)
            await link.expect("NICK", session=number)
        if 1 in numbers:
            late = await rig.browser()
        if 5 not in numbers:
            fence = await link.expect("PING")
            link.say({"type": "PONG", "ref": fence["ref"]})
    await link.expect("OPEN", session=6)
    link.session(6, **HELLO)
    await late.expect("HELLO")
    for number, browser in enumerate(browsers, 1):
        link.say(ready(number, resumed=True))
        await browser.expect("NOTICE")
        await browser.expect("READY")


async def test_a_link_lost_between_slices(rig: Rig, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next link starts again from the first session."""
    monkeypatch.setattr(browsers_module, "SLICE", 1)
    for number in (1, 2):
        await rig.enter(link, number)
    for _ in range(2):
        link.reset()
        link = await rig.server.link()
        await link.expect("OPEN", session=1)
        await link.expect("NICK")
        await link.expect("PING")


async def test_a_body_before_its_open_is_ignored(rig: Rig, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a new link a session has no bodies until its slice is opened."""
    monkeypatch.setattr(browsers_module, "SLICE", 1)
    for number in (1, 2):
        browser = await rig.enter(link, number)
    link.reset()
    link = await rig.server.link()
    await link.expect("OPEN", session=1)
    await link.expect("NICK")
    fence = await link.expect("PING")
    link.session(2, type="NOTICE", message="too early")
    link.say({"type": "PONG", "ref": fence["ref"]})
    await link.expect("OPEN", session=2)
    link.session(2, type="NOTICE", message="in time")
    assert [(await browser.expect("NOTICE"))["message"] for _ in range(2)][1] == "in time"


async def test_silent_browsers_are_pinged_and_dropped(start: Start) -> None:
    """A browser that answers the ping stays; a silent one is dropped."""
    rig = await start(look=0.02, ping=0.04, dead=0.2)
    link = await rig.server.link()
    alive = await rig.enter(link, 1)
    dead = await rig.enter(link, 2)
    dead.connection.transport.pause_reading()
    await link.expect("CLOSE", session=2)
    link.session(1, type="NOTICE", message="still there")
    await alive.expect("NOTICE")


async def test_a_congested_link_is_not_fed(rig: Rig, link: Link, unread: asyncio.Event) -> None:
    """While the server doesn't read, browsers aren't read either; later all frames arrive."""
    first, second = await rig.enter(link, 1), await rig.enter(link, 2)
    sending = asyncio.create_task(say_numbers(first, 3_000, size=8_000))
    await asyncio.wait_for(unread.wait(), PATIENCE)
    await second.say(type="PING", ref="second")
    number = 0
    while number < 3_000:
        packet = await link.hear()
        if packet["session"] == 1:
            assert packet["ref"] == str(number)
            number += 1
    await sending


async def test_rules_of_frames_over_the_socket(rig: Rig, link: Link) -> None:
    """A binary message closes 1003, too long a one 1009, and the server is told that the session is gone."""
    for number, (message, code) in enumerate([(b"binary", 1003), ("x" * 65_536, 1009)], 1):
        browser = await rig.enter(link, number)
        await browser.connection.send(message)
        assert await browser.closed() == code
        await link.expect("CLOSE", session=number)
        with pytest.raises(ConnectionClosed):
            await browser.hear()
