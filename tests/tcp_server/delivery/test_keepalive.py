"""The keeper, sweep by sweep: who is pinged, who is dropped, and why."""

import asyncio

import pytest

from tcp_server.delivery import keepalive as keeper_module
from tcp_server.delivery.connection import Connection
from tcp_server.delivery.keepalive import PING_SWEEPS, SILENCE_SWEEPS, SLOW_SWEEPS, Keeper
from tests.tcp_server.house import FakeTransport


class Watch:
    """A keeper of one connection, and what it asked for."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.connection = Connection(None, loop)  # type: ignore[arg-type]
        self.connection.transport = self.transport = FakeTransport()
        self.asked: list[str] = []
        self.looked = asyncio.Event()
        self.keeper = Keeper([self.connection], lambda _: self.ask("ping"), lambda _, reason: self.ask(reason), loop)

    def ask(self, what: str) -> None:
        self.asked.append(what)
        self.looked.set()

    def look(self, sweeps: int = 1) -> list[str]:
        for _ in range(sweeps):
            self.keeper.look_at(self.connection)
        asked, self.asked = self.asked, []
        return asked


async def test_silence() -> None:
    """Pinged once after 30 s, dropped 30 s later; any packet is a sign of life."""
    watch = Watch()
    assert watch.look(PING_SWEEPS - 1) == []
    assert watch.look() == ["ping"]
    assert watch.look(SILENCE_SWEEPS - PING_SWEEPS - 1) == []
    watch.connection.silence = 0
    assert watch.look(PING_SWEEPS - 1) == []
    assert watch.look() == ["ping"]
    assert watch.look(SILENCE_SWEEPS - PING_SWEEPS) == ["timeout"]
    watch.keeper.stop()


async def test_a_silence_that_is_ours() -> None:
    """Who isn't read can't be heard."""
    watch = Watch()
    watch.connection.is_reading = False
    assert watch.look(SILENCE_SWEEPS + 1) == []
    watch.keeper.stop()


async def test_who_takes_nothing() -> None:
    """Dropped after 60 s without a byte taken; each byte that goes counts, and its silence doesn't."""
    watch = Watch()
    watch.connection.is_congested = True
    watch.transport.unsent = 5000
    assert watch.look(SLOW_SWEEPS) == []
    watch.transport.unsent = 4000
    assert watch.look(SLOW_SWEEPS) == []
    assert watch.look() == ["slow"]
    watch.keeper.stop()


async def test_congested_again_with_as_many_bytes() -> None:
    """It took all in between, so the time begins anew."""
    watch = Watch()
    watch.connection.is_congested = True
    watch.transport.unsent = 5000
    assert watch.look(SLOW_SWEEPS) == []
    watch.connection.is_congested = False
    assert watch.look() == []
    watch.connection.is_congested = True
    assert watch.look(SLOW_SWEEPS) == []
    assert watch.look() == ["slow"]
    watch.keeper.stop()


async def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, until it is stopped."""
    monkeypatch.setattr(keeper_module, "SWEEP_SECONDS", 0.001)
    watch = Watch()
    for _ in range(3):
        watch.connection.silence = SILENCE_SWEEPS
        await watch.looked.wait()
        assert watch.asked[-1] == "timeout"
        watch.looked.clear()
    watch.keeper.stop()
