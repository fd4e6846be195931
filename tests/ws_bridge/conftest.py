"""Fixtures of the bridge's tests; their parts are in `rig`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.ws_bridge.rig import TIMING, FakeServer, Link, Rig
from ws_bridge.bridge import Bridge, BridgeSettings
from ws_bridge.browser import Browser

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, LoopFactory]:
    """The bridge runs on uvloop where that installs, else on asyncio: files that depend on the loop run on both."""
    loops: dict[str, LoopFactory] = {"uvloop": uvloop.new_event_loop}
    if item.path.name in ("test_bridge.py", "test_browsers.py", "test_sessions_slow.py", "test_door.py"):
        loops["asyncio"] = asyncio.new_event_loop
    return loops


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>chat</title>")
    return folder


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    server = FakeServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def start(server: FakeServer, web: Path) -> AsyncIterator[Callable[..., Awaitable[Rig]]]:
    """Start a bridge; keyword arguments change its `Timing`."""
    rigs: list[Rig] = []

    async def start(settings: dict[str, Any] | None = None, **timing: float) -> Rig:
        chosen = BridgeSettings(
            **{"server": ("127.0.0.1", server.port), "web": web, "host": "127.0.0.1", "port": 0, **(settings or {})}
        )
        bridge = Bridge(chosen, replace(TIMING, **timing))
        rigs.append(Rig(server, bridge, await bridge.start()))
        return rigs[-1]

    yield start
    for rig in rigs:
        await rig.close()


@pytest.fixture
async def rig(start: Callable[..., Awaitable[Rig]]) -> Rig:
    return await start()


@pytest.fixture
async def link(rig: Rig, server: FakeServer) -> Link:
    return await server.link()


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """An event that is set as soon as a browser is no longer read."""
    event = asyncio.Event()
    stop_reading = Browser.stop_reading

    def stop(browser: Browser) -> None:
        stop_reading(browser)
        event.set()

    monkeypatch.setattr(Browser, "stop_reading", stop)
    return event
