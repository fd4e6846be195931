"""An outlet at real sockets: the kernel gets bytes at once, the transport sends the rest in order."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator

import pytest

from tcp_server.delivery.connection import Connection
from tcp_server.net.outlet import Outlet, write_all
from tests.tcp_server.house import Reporter

MEGABYTE = b"".join(b"%07d\n" % number for number in range(131_072))


class Line:
    """A connection, and the socket at its other end, which reads only when the test says so."""

    def __init__(self, reporter: Reporter, connection: Connection, peer: socket.socket) -> None:
        self.reporter = reporter
        self.connection = connection
        self.peer = peer

    async def read(self, size: int) -> bytes:
        """Return `size` bytes, or all bytes until the end."""
        loop = asyncio.get_running_loop()
        data = bytearray()
        while len(data) < size and (chunk := await loop.sock_recv(self.peer, size - len(data))):
            data += chunk
        return bytes(data)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    reporter = Reporter()
    _, connection = await loop.create_connection(lambda: Connection(reporter, loop), sock=ours)
    connection.limit_writing(1_000)
    with theirs:
        yield Line(reporter, connection, theirs)
        connection.close()
        theirs.close()
        await reporter.gone.wait()


async def test_a_write_leaves_before_the_loop_turns(line: Line) -> None:
    """Nothing is queued in between."""
    line.connection.write(b"now")
    assert line.peer.recv(10) == b"now"


async def test_more_than_the_kernel_takes(line: Line) -> None:
    """Congestion is reported, and all bytes come in order: the cut ones, the waiting ones, and later ones."""
    for start in range(0, len(MEGABYTE), 65_536):
        line.connection.write(MEGABYTE[start : start + 65_536])
    assert line.connection.is_congested
    assert await line.read(len(MEGABYTE)) == MEGABYTE
    await line.reporter.relief.wait()
    assert not line.connection.is_congested
    assert line.reporter.happened[1:] == ["congested", "relieved"]
    line.connection.write(b"direct again")
    assert line.peer.recv(100) == b"direct again"


async def test_a_kernel_that_takes_nothing(line: Line) -> None:
    """All of it waits."""
    line.connection.write(b"first")
    size = len(b"first")
    with contextlib.suppress(BlockingIOError):
        while True:
            size += os.write(line.connection.transport.get_extra_info("socket").fileno(), MEGABYTE)
    line.connection.write(b"last")
    assert line.connection.transport.get_write_buffer_size() == len(b"last")
    data = await line.read(size + len(b"last"))
    assert (len(data), data[:5], data[-4:]) == (size + 4, b"first", b"last")


async def test_a_peer_that_is_gone(line: Line) -> None:
    """The connection ends; later bytes go nowhere, and no other descriptor gets them."""
    line.peer.close()
    line.connection.write(b"to nobody")
    line.connection.write(b"nor this")
    await line.reporter.gone.wait()
    with socket.socket() as other:  # likely to have the same number
        line.connection.write(b"nor this")
        assert other.fileno() >= 0
    assert line.reporter.happened[-2:] == ["lost", "gone"]


async def test_closing_sends_what_was_written(line: Line) -> None:
    """And nothing that is written afterwards."""
    line.connection.write(MEGABYTE)
    line.connection.close()
    line.connection.write(b"too late")
    assert await line.read(len(MEGABYTE) + 1) == MEGABYTE


async def test_nothing_follows_what_an_abort_dropped(line: Line) -> None:
    """The peer must never see a later packet behind a hole."""
    line.connection.write(MEGABYTE)
    line.connection.abort()
    line.peer.recv(65_536)  # now the kernel would take more
    line.connection.write(b"later")
    data = b""
    with contextlib.suppress(ConnectionResetError):
        data = await line.read(len(MEGABYTE))
    assert b"later" not in data


class EncryptingTransport(asyncio.Transport):
    """As a TLS transport looks: it has the socket too."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__({"socket": sock, "sslcontext": object()})
        self.written: list[bytes] = []

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return 0


def test_a_transport_that_encrypts() -> None:
    """Every byte goes through it: on the descriptor itself it would be clear text."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with ours, theirs:
        outlet, transport = Outlet(), EncryptingTransport(ours)
        outlet.begin_writing(transport)
        outlet.write(b"secret")
        write_all((outlet,), b"again")
        assert transport.written == [b"secret", b"again"]
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
