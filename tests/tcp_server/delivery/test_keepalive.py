"""Keepalive, sweep by sweep: which connection is pinged, which is dropped, and why."""

import asyncio
from collections.abc import Iterable

import pytest

from tcp_server.delivery import keepalive as keepalive_module
from tcp_server.delivery.connection import Connection
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.keepalive import PING, PING_SWEEPS, SILENCE_SWEEPS, STUCK_SWEEPS, Keepalive
from tcp_server.net.outlet import Outlet
from tcp_server.protocol.server_packets import ByeReason
from tests.tcp_server.house import FakeTransport, Reporter


class NotingHandler(Reporter):
    """Notes why it was dropped."""

    def __init__(self, watch: "Watch") -> None:
        super().__init__()
        self._watch = watch

    def drop(self, reason: ByeReason, text: str) -> None:
        self._watch.ask(f"{reason}: {text}")


class Watch:
    """The keepalive of one connection, and what it did."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.connection = Connection(None, loop)  # type: ignore[arg-type]
        self.connection.transport = self.transport = FakeTransport()
        self.connection.handler = NotingHandler(self)
        self.asked: list[str] = []
        self.looked = asyncio.Event()
        self._fanout: Fanout[Outlet] = Fanout(self._write)
        self.keepalive = Keepalive([self.connection], self._fanout, lambda: self.ask("wake"), loop)

    def _write(self, outlets: Iterable[Outlet], data: bytes) -> None:
        assert (list(outlets), data) == ([self.connection], PING)
        self.asked.append("ping")

    def ask(self, what: str) -> None:
        self.asked.append(what)
        self.looked.set()

    def look(self, sweeps: int = 1) -> list[str]:
        for _ in range(sweeps):
            self.keepalive.look_at(self.connection)
        self._fanout.flush()
        asked, self.asked = self.asked, []
        return asked


async def test_silence() -> None:
    """Pinged once after 30 s, dropped 30 s later; any packet is a sign of life."""
    watch = Watch()
    assert watch.look(PING_SWEEPS - 1) == []
    assert watch.look() == ["wake", "ping"]
    assert watch.look(SILENCE_SWEEPS - PING_SWEEPS - 1) == []
    watch.connection.silence = 0
    assert watch.look(PING_SWEEPS - 1) == []
    assert watch.look() == ["wake", "ping"]
    assert watch.look(SILENCE_SWEEPS - PING_SWEEPS) == ["timeout: no data was received for 60 seconds"]
    watch.keepalive.stop()


async def test_a_silence_that_is_ours() -> None:
    """A connection that isn't read can't be heard."""
    watch = Watch()
    watch.connection.is_reading = False
    assert watch.look(SILENCE_SWEEPS + 1) == []
    watch.keepalive.stop()


async def test_who_takes_nothing() -> None:
    """Dropped after 60 s without a byte taken; each byte that goes counts, and its silence doesn't."""
    watch = Watch()
    watch.connection.is_congested = True
    watch.transport.unsent = 5000
    assert watch.look(STUCK_SWEEPS) == []
    watch.transport.unsent = 4000
    assert watch.look(STUCK_SWEEPS) == []
    assert watch.look() == ["slow: no data was accepted for 60 seconds"]
    watch.keepalive.stop()


async def test_congested_again_with_as_many_bytes() -> None:
    """It took all in between, so the time begins anew."""
    watch = Watch()
    watch.connection.is_congested = True
    watch.transport.unsent = 5000
    assert watch.look(STUCK_SWEEPS) == []
    watch.connection.is_congested = False
    assert watch.look() == []
    watch.connection.is_congested = True
    assert watch.look(STUCK_SWEEPS) == []
    assert watch.look() == ["slow: no data was accepted for 60 seconds"]
    watch.keepalive.stop()


async def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, until it is stopped."""
    monkeypatch.setattr(keepalive_module, "SWEEP_SECONDS", 0.001)
    watch = Watch()
    for _ in range(3):
        watch.connection.silence = SILENCE_SWEEPS
        await watch.looked.wait()
        assert watch.asked[-1].startswith("timeout")
        watch.looked.clear()
    watch.keepalive.stop()
