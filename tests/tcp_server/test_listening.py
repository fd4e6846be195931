"""Listening: which addresses, one port, what keeps from it, and many accepted a turn."""

import asyncio
import errno
import os
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tcp_server.listening import AT_ONCE, accept, bind
from tcp_server.process import StartError, run_loop

Refuse = Callable[[int, int], None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Make the system refuse to listen on a family's addresses with an error's number."""
    create = socket.create_server

    def refuse(refused: int, code: int) -> None:
        def create_or_not(address: tuple[str, int], **options: Any) -> socket.socket:
            if options.get("family") == refused:
                raise OSError(code, os.strerror(code))
            return create(address, **options)

        monkeypatch.setattr(socket, "create_server", create_or_not)

    return refuse


def close(sockets: list[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize("host", [None, "localhost"])
def test_all_addresses_have_one_port(host: str | None) -> None:
    """Of the machine, or of a name."""
    sockets = bind(host, 0)
    try:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        assert socket.AF_INET in {sock.family for sock in sockets}
        assert all(not sock.getblocking() for sock in sockets)
    finally:
        close(sockets)


@pytest.mark.parametrize("code", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6(refuse: Refuse, code: int) -> None:
    """IPv4 is enough; but who asks for IPv6 is told."""
    refuse(socket.AF_INET6, code)
    (sock,) = bind(None, 0)
    assert sock.family == socket.AF_INET
    sock.close()
    with pytest.raises(StartError, match="'::1' is no address of this machine; see --host"):
        bind("::1", 0)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (errno.EADDRINUSE, r"port (\d+) is taken already; choose another one"),
        (errno.EACCES, r"no permission to listen on port (\d+); choose one above 1023"),
        (errno.ENOBUFS, r"can't listen on port (\d+): No buffer space available"),
    ],
)
def test_what_keeps_from_it(refuse: Refuse, code: int, text: str) -> None:
    """Is told, though half of the addresses could be had; those are let go."""
    refuse(socket.AF_INET6, code)
    with pytest.raises(StartError) as caught:
        bind(None, 0)
    found = re.fullmatch(text, str(caught.value))
    assert found is not None, caught.value
    socket.create_server(("0.0.0.0", int(found[1]))).close()


class Note(asyncio.Protocol):
    """Notes in which turn it was accepted."""

    def __init__(self, turns: list[int], turn: list[int]) -> None:
        self._turns = turns
        self._turn = turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._turns.append(self._turn[0])
        transport.close()


def test_many_are_accepted_in_a_turn() -> None:
    """Also by the loop that the programs run on; none is forgotten, and closing closes all."""
    sockets = bind("127.0.0.1", 0)
    address = sockets[0].getsockname()
    clients = [socket.create_connection(address) for _ in range(2 * AT_ONCE + 1)]
    turns: list[int] = []

    async def main() -> None:
        turn = [0]
        listeners = await accept(sockets, lambda: Note(turns, turn))
        async with asyncio.timeout(10):
            while len(turns) < len(clients):
                turn[0] += 1
                await asyncio.sleep(0)
        for listener in listeners:
            listener.close()

    run_loop(main())
    close(clients)
    assert max(map(turns.count, turns)) >= AT_ONCE
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
