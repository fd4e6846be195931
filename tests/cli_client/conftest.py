"""Fixtures of the client's tests."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cli_client.library import client as client_module
from cli_client.library import connect
from cli_client.library.client import Client
from tests.cli_client.piped import Pipes
from tests.cli_client.scripted_server import Open, Peer, ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the shape of the delays at a hundredth of their length; a script has no answer to BYE."""
    monkeypatch.setattr(client_module, "BYE_SECONDS", 0.03)
    monkeypatch.setattr(connect, "RECONNECT_MIN_SECONDS", 0.005)
    monkeypatch.setattr(connect, "RECONNECT_MAX_SECONDS", 0.3)


@pytest.fixture
async def opened(server: ScriptedServer) -> AsyncIterator[Open]:
    """Return a function that connects a client and gives it with the server's end."""
    clients: list[Client] = []

    async def make(*, last: int = 0, nickname: str = "alice", **arguments: Any) -> tuple[Client, Peer]:
        client = Client("127.0.0.1", server.port, nickname=nickname, **arguments)
        clients.append(client)
        connecting = asyncio.create_task(client.connect())
        peer = await server.accepted()
        await peer.open(last=last)
        await connecting
        return client, peer

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def piped(opened: Open, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[object]:
    made: list[Pipes] = []

    async def make(**flags: bool) -> Pipes:
        pipes = Pipes(*await opened(), monkeypatch, **flags)
        made.append(pipes)
        return pipes

    yield make
    for pipes in made:
        pipes.close()
