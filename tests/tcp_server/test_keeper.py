"""The keeper, on a clock of the test's: who is pinged, who is dropped, and why."""

import asyncio

import pytest

from tcp_server import keeper as keeper_module
from tcp_server.connection import Connection
from tcp_server.keeper import PING_SECONDS, SILENCE_SECONDS, SLOW_SECONDS, Keeper
from tests.tcp_server.house import FakeTransport


class Watch:
    """A keeper of one connection, and what it asked for."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.connection = Connection(None, loop)  # type: ignore[arg-type]
        self.connection.transport = self.transport = FakeTransport()
        self.connection.heard_at = 0.0
        self.asked: list[str] = []
        self.looked = asyncio.Event()
        self.keeper = Keeper([self.connection], lambda _: self.ask("ping"), lambda _, reason: self.ask(reason), loop)

    def ask(self, what: str) -> None:
        self.asked.append(what)
        self.looked.set()

    def look(self, now: float) -> list[str]:
        self.keeper.look_at(self.connection, now)
        asked, self.asked = self.asked, []
        return asked


async def test_silence() -> None:
    """Pinged once after 30 s, dropped 30 s later; any packet is a sign of life."""
    watch = Watch()
    assert watch.look(PING_SECONDS - 0.1) == []
    assert watch.look(PING_SECONDS) == ["ping"]
    assert watch.look(PING_SECONDS + 1) == []
    assert watch.look(SILENCE_SECONDS - 0.1) == []
    watch.connection.heard_at, watch.connection.is_pinged = 59.0, False
    assert watch.look(SILENCE_SECONDS) == []
    assert watch.look(59 + PING_SECONDS) == ["ping"]
    assert watch.look(59 + SILENCE_SECONDS) == ["timeout"]
    watch.keeper.stop()


async def test_a_silence_that_is_ours() -> None:
    """Who isn't read can't be heard."""
    watch = Watch()
    watch.connection.is_reading = False
    assert watch.look(1000) == []
    watch.keeper.stop()


async def test_who_takes_nothing() -> None:
    """Dropped after 60 s without a byte taken; each byte that goes counts, and its silence doesn't."""
    watch = Watch()
    watch.connection.is_congested = True
    watch.transport.unsent = 5000
    assert watch.look(100) == []
    assert watch.look(100 + SLOW_SECONDS - 0.1) == []
    watch.transport.unsent = 4000
    assert watch.look(160) == []
    assert watch.look(160 + SLOW_SECONDS - 0.1) == []
    assert watch.look(160 + SLOW_SECONDS) == ["slow"]
    watch.keeper.stop()


async def test_congested_again_with_as_many_bytes() -> None:
    """It took all in between, so the time begins anew."""
    watch = Watch()
    watch.connection.is_congested = True
    watch.transport.unsent = 5000
    assert watch.look(0) == []
    watch.connection.is_congested = False
    assert watch.look(1) == []
    watch.connection.is_congested = True
    assert watch.look(100) == []
    assert watch.look(100 + SLOW_SECONDS) == ["slow"]
    watch.keeper.stop()


async def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, until it is stopped."""
    monkeypatch.setattr(keeper_module, "SWEEP_SECONDS", 0.001)
    watch = Watch()
    for _ in range(3):
        watch.connection.heard_at = asyncio.get_running_loop().time() - SILENCE_SECONDS
        await watch.looked.wait()
        assert watch.asked[-1] == "timeout"
        watch.looked.clear()
    watch.keeper.stop()
