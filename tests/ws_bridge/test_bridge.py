"""The bridge as a whole: its end, and its counters."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.ws_bridge.rig import FakeServer, Link, Rig

Start = Callable[..., Awaitable[Rig]]


async def test_a_bridge_that_ends(start: Start, server: FakeServer) -> None:
    """Browsers are closed with 1001; the link ends without a CLOSE for their sessions."""
    rig = await start()
    link = await server.link()
    browser = await rig.enter(link, 1, "a")
    stubborn = await rig.enter(link, 2, "a")
    stubborn.connection.transport.pause_reading()
    closing = asyncio.create_task(rig.bridge.close())
    assert await browser.closed() == 1001
    await closing
    await link.end()
    with pytest.raises(ConnectionRefusedError):
        await rig.browser()


async def test_a_bridge_that_ends_alone(start: Start, server: FakeServer) -> None:
    """Without browsers and without a server it ends at once."""
    await server.stop()
    rig = await start()
    await rig.bridge.close()


async def test_bytes_and_deliveries_are_counted(rig: Rig, link: Link) -> None:
    """The numbers of /metrics."""
    for number in (1, 2):
        await rig.enter(link, number, "a")
    before = rig.bridge.stats.deliveries
    link.say({"type": "MSG", "room": "a", "id": 1}, {"type": "MSG", "room": "a", "id": 2})
    await link.nothing()
    stats = rig.bridge.stats
    assert (stats.deliveries - before, stats.accepted, stats.links) == (4, 2, 1)
    assert min(stats.browser_bytes_in, stats.browser_bytes_out, stats.link_bytes_in, stats.link_bytes_out) > 0
    assert rig.bridge.browsers.room_count == 1
