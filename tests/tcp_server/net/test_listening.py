"""Listening: which addresses, one port, what keeps from it, and many accepted a turn."""

import asyncio
import contextlib
import errno
import os
import resource
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tcp_server.net import listening
from tcp_server.net.listening import AT_ONCE, accept, bind
from tcp_server.net.process import StartError, run_loop

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


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give every name these addresses, which of IPv6 are longer."""

    def resolve(*addresses: tuple[Any, ...]) -> None:
        families = [socket.AF_INET if len(address) == 2 else socket.AF_INET6 for address in addresses]
        found = [
            (family, socket.SOCK_STREAM, 6, "", address) for family, address in zip(families, addresses, strict=True)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    return resolve


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_all_addresses_have_one_port() -> None:
    """IPv4 and IPv6."""
    sockets = bind(None, 0)
    try:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        assert socket.AF_INET in {sock.family for sock in sockets}
        assert all(not sock.getblocking() for sock in sockets)
    finally:
        close(sockets)


def test_all_addresses_of_a_name_have_one_port(resolve: Callable[..., None]) -> None:
    """Each once, though the system may name it twice."""
    resolve(("127.0.0.1", 0), ("::1", 0, 0, 0), ("127.0.0.1", 0))
    sockets = bind("here", 0)
    try:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        assert len(sockets) == len({sock.family for sock in sockets})
    finally:
        close(sockets)


@pytest.mark.parametrize("code", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6(refuse: Refuse, code: int) -> None:
    """IPv4 is enough; a wish for IPv6 alone is an error."""
    refuse(socket.AF_INET6, code)
    (sock,) = bind(None, 0)
    assert sock.family == socket.AF_INET
    sock.close()
    with pytest.raises(StartError, match="'::1' is no address of this machine; see --host"):
        bind("::1", 0)


def test_a_name_that_is_elsewhere_too(resolve: Callable[..., None]) -> None:
    """Isn't listened on at half of its addresses."""
    resolve(("192.0.2.7", 0))
    with pytest.raises(StartError, match="'there' is no address of this machine"):
        bind("there", 0)


def test_a_name_that_cant_be() -> None:
    """A label of it is longer than names are."""
    with pytest.raises(StartError, match="is no address of this machine"):
        bind(f"{'x' * 64}.example", 0)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (errno.EADDRINUSE, "port {} is taken already; choose another PORT, see --help"),
        (errno.EACCES, "no permission to listen on port {}; choose a PORT above 1023, see --help"),
        (errno.ENOBUFS, "can't listen on port {}: No buffer space available"),
    ],
)
def test_what_keeps_from_it(refuse: Refuse, code: int, text: str) -> None:
    """Is told, though half of the addresses could be had; those are let go."""
    refuse(socket.AF_INET6, code)
    port = free_port()
    with pytest.raises(StartError) as caught:
        bind(None, port)
    assert str(caught.value) == text.format(port)
    socket.create_server(("0.0.0.0", port)).close()


def test_any_port_is_one_that_is_free_for_all(refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is free for IPv4 may be taken for IPv6: then another is tried, but not for ever."""
    create = socket.create_server
    refuse(socket.AF_INET6, errno.EADDRINUSE)
    refusing, asked = socket.create_server, []

    def refuse_twice(address: tuple[str, int], **options: Any) -> socket.socket:
        asked.append(address)
        return (refusing if len(asked) < 5 else create)(address, **options)

    monkeypatch.setattr(socket, "create_server", refuse_twice)
    close(bind(None, 0))
    assert len(asked) == 6
    monkeypatch.setattr(socket, "create_server", refusing)
    with pytest.raises(StartError, match="is taken already"):
        bind(None, 0)


async def next_turn() -> None:
    """Let the event loop go round once."""
    await asyncio.sleep(0)


class Note(asyncio.Protocol):
    """Notes in which turn it was accepted."""

    def __init__(self, turns: list[int], turn: list[int]) -> None:
        self._turns = turns
        self._turn = turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._turns.append(self._turn[0])
        transport.close()


@pytest.mark.parametrize("run", [run_loop, asyncio.run])
def test_many_are_accepted_in_a_turn(run: Callable[..., None]) -> None:
    """By uvloop and by asyncio's own loop; none is forgotten, and closing closes all."""
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

    run(main())
    close(clients)
    assert max(map(turns.count, turns)) == AT_ONCE
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_too_few_files_to_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was opened is closed."""

    def refuse(sock: socket.socket) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async def main() -> None:
        await accept(sockets, asyncio.Protocol)

    sockets = bind("127.0.0.1", 0)
    monkeypatch.setattr(socket.socket, "dup", refuse)
    with pytest.raises(StartError, match="can't listen: Too many open files"):
        run_loop(main())
    close(sockets)


@pytest.mark.parametrize("run", [run_loop, asyncio.run])
def test_too_few_files_to_accept(run: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    """That is logged once, however many connect and however long it lasts; and once more when it is over."""
    listeners = bind("127.0.0.1", 0)
    address = listeners[0].getsockname()
    clients = [socket.socket() for _ in range(3 * AT_ONCE)]
    for client in clients:
        client.setblocking(False)
    taken: list[int] = []

    async def logged(text: str) -> None:
        async with asyncio.timeout(10):
            while text not in caplog.text:
                await next_turn()

    async def main() -> None:
        servers = await accept(listeners, asyncio.Protocol)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 8, hard))
        try:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(0))
            for client in clients:
                client.connect_ex(address)
            await logged("can't be accepted")
            assert caplog.text.count("\n") == 1
        finally:
            close_all()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await logged("accepted again")
        for server in servers:
            server.close()

    def close_all() -> None:
        while taken:
            os.close(taken.pop())

    monkey = pytest.MonkeyPatch()
    monkey.setattr(listening, "LOOK_SECONDS", 0.01)
    run(main())
    monkey.undo()
    close(clients)
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        "connections can't be accepted: Too many open files",
        "connections are accepted again",
    ]


def test_other_faults_of_the_loop_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in a callback has its traceback."""

    def fail() -> None:
        raise ValueError("a bug")

    async def main() -> None:
        servers = await accept(bind("127.0.0.1", 0), asyncio.Protocol)
        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for server in servers:
            server.close()

    run_loop(main())
    assert "ValueError: a bug" in caplog.text
