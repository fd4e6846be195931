"""The way to the server: how its links are made, kept alive, lost and made again."""

import logging
from collections.abc import Awaitable, Callable

import pytest

from tests.ws_bridge.rig import HELLO, FakeServer, Rig

Start = Callable[..., Awaitable[Rig]]


async def test_refused_link(start: Start, server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    """The bridge tries again after a refusal; the reason is logged once."""
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


async def test_a_silent_server_is_given_up(start: Start, server: FakeServer) -> None:
    """It is pinged first; then the bridge connects anew."""
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


async def test_a_server_that_cannot_be_reached(
    start: Start, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The bridge tries until the server is there; the reason is logged once."""
    await server.stop()
    rig = await start(away=0.2)
    assert await (await rig.browser()).closed() == 1013
    await server.start()
    await server.link()
    complaints = [r for r in caplog.records if r.levelno >= logging.WARNING and "trying again" in r.getMessage()]
    assert len(complaints) == 1


async def test_a_server_that_can_not_be_named(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """An impossible host name is logged without a traceback."""
    rig = await start({"server": ("x" * 64, 9000)}, away=0.1)
    assert await (await rig.browser()).closed() == 1013
    assert "trying again" in caplog.text
    assert "Traceback" not in caplog.text
