"""Fixtures for talking to a real server, and for running its command."""

import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from tcp_server import __main__ as command
from tests.tcp_server.bridge import Bridge
from tests.tcp_server.client import Client
from tests.tcp_server.commands import Fails
from tests.tcp_server.process import ServerProcess

_rooms = itertools.count(1)

Link = Callable[..., Bridge]  # opens a link; keywords as `Bridge` takes them


class Connect(Protocol):
    """Open a connection; with a nickname it is opened up to the last ROOM."""

    def __call__(self, nickname: str | None = None, *, port: int | None = None, **fields: Any) -> Client: ...


class Meet(Protocol):
    """Open connections, one a nickname, all in the test's room and with nothing left to read."""

    def __call__(self, *nicknames: str) -> list[Client]: ...


@pytest.fixture
def room() -> str:
    """A room that no other test uses."""
    return f"room-{next(_rooms)}"


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    """The test's connections, ended in order after it, so that their nicknames are free again."""
    opened: list[Client] = []
    yield opened
    for client in opened:
        client.leave()


@pytest.fixture
def connect(request: pytest.FixtureRequest, clients: list[Client]) -> Connect:
    """Connect to the module's server, or to another `port`."""

    def connect(nickname: str | None = None, *, port: int | None = None, **fields: Any) -> Client:
        if port is None:
            server: ServerProcess = request.getfixturevalue("server")
            port = server.port
        client = Client(port)
        clients.append(client)
        client.greet()
        if nickname is not None:
            client.open(nickname, **fields)
        return client

    return connect


@pytest.fixture
def meet(connect: Connect, room: str) -> Meet:
    def meet(*nicknames: str) -> list[Client]:
        clients = [connect(nickname, rooms=[room]) for nickname in nicknames]
        for client in clients:
            client.sync()
        return clients

    return meet


@pytest.fixture
def bystander(connect: Connect, room: str) -> Iterator[Client]:
    """Somebody else, whose echo still comes after whatever the test did."""
    client = connect("bystander", rooms=[f"{room}-beside"])
    yield client
    echo = client.say("still here", f"{room}-beside")
    assert echo["message"] == "still here"


@pytest.fixture
def link(server: ServerProcess) -> Iterator[Link]:
    """Open links to the module's server; their users leave in order after the test."""
    bridges: list[Bridge] = []

    def open_link(**fields: Any) -> Bridge:
        bridge = Bridge(server.port, **fields)
        bridges.append(bridge)
        return bridge.linked()

    yield open_link
    for bridge in bridges:
        bridge.leave()


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Iterator[Fails]:
    interval, mask = sys.getswitchinterval(), os.umask(0)

    def fails(text: str, *arguments: object) -> None:
        with pytest.raises(SystemExit) as caught:
            command.main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        assert (caught.value.code, len(output.err.splitlines()), output.out) == (1, 1, ""), output
        assert re.search(text, output.err), output.err

    yield fails
    sys.setswitchinterval(interval)
    os.umask(mask)
