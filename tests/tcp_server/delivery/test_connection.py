"""A connection with a fake handler: bytes become bodies, and waiting means not reading."""

import asyncio

import pytest

from tcp_server.delivery.connection import Connection
from tcp_server.wordpacket import encode
from tests.tcp_server.house import FakeTransport, Reporter


@pytest.fixture
async def reporter() -> Reporter:
    return Reporter()


@pytest.fixture
async def transport(reporter: Reporter) -> FakeTransport:
    transport = FakeTransport()
    transport.connection = Connection(reporter, asyncio.get_running_loop())
    transport.connection.connection_made(transport)
    return transport


def bodies(*texts: str) -> bytes:
    return b"".join(encode(text.encode()) for text in texts)


async def test_bodies_come_through(transport: FakeTransport, reporter: Reporter) -> None:
    """However they are cut."""
    data = bodies("one", "two", "three")
    transport.feed(data[:7])
    transport.feed(data[7:])
    assert reporter.happened == ["accepted", "one", "two", "three"]


async def test_a_busy_handler_isnt_given_more(transport: FakeTransport, reporter: Reporter) -> None:
    """The rest waits, what comes stays in the kernel, and all goes on in order."""
    transport.feed(bodies("one", "wait", "two"))
    assert transport.is_paused
    transport.feed(bodies("three"))
    connection = transport.connection
    assert connection is not None
    connection.proceed()  # still busy
    assert (reporter.happened[1:], transport.is_paused) == (["one", "wait"], True)
    reporter.busy = False
    connection.proceed()
    assert not transport.is_paused
    transport._read_on()
    assert reporter.happened[1:] == ["one", "wait", "two", "three"]


async def test_busy_again_in_the_middle(transport: FakeTransport, reporter: Reporter) -> None:
    """Reading isn't resumed then."""
    transport.feed(bodies("wait", "wait", "last"))
    connection = transport.connection
    assert connection is not None
    reporter.busy = False
    connection.proceed()
    assert (reporter.happened[1:], transport.is_paused) == (["wait", "wait"], True)
    reporter.busy = False
    connection.proceed()
    assert (reporter.happened[-1], transport.is_paused) == ("last", False)


async def test_a_broken_stream(transport: FakeTransport, reporter: Reporter) -> None:
    """What was good comes first."""
    transport.feed(bodies("one") + b"\0\0" + bodies("two"))
    assert reporter.happened[1:] == ["one", "broken: packet of length zero"]


async def test_a_handler_that_waits_from_elsewhere(transport: FakeTransport, reporter: Reporter) -> None:
    """Data on its way is kept."""
    connection = transport.connection
    assert connection is not None
    reporter.busy = True
    connection.stop_reading()
    connection.stop_reading()  # once is enough
    connection.data_received(bodies("one"))
    assert (reporter.happened[1:], transport.is_paused) == ([], True)
    connection.proceed()  # still busy
    assert (reporter.happened[1:], transport.is_paused) == ([], True)
    reporter.busy = False
    connection.proceed()
    assert reporter.happened[1:] == ["one"]


async def test_the_end(transport: FakeTransport, reporter: Reporter) -> None:
    """End of stream, then the end of the connection; nothing is written or read from then on."""
    connection = transport.connection
    assert connection is not None
    assert connection.eof_received() is True
    connection.write(b"last words")
    connection.close()
    connection.close()
    connection.write(b"too late")
    connection.stop_reading()
    connection.proceed()
    await reporter.gone.wait()
    assert reporter.happened[1:] == ["lost", "lost", "gone"]
    assert transport.decoder._data == b"last words"


async def test_whoever_doesnt_take_the_last_bytes_is_cut_off(
    transport: FakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while."""
    monkeypatch.setattr("tcp_server.delivery.connection.CLOSE_SECONDS", 0.0)
    aborted = asyncio.Event()
    monkeypatch.setattr(transport, "abort", aborted.set)
    assert transport.connection is not None
    transport.unsent = 1
    transport.connection.close()
    await aborted.wait()


async def test_pressure_is_passed_on(transport: FakeTransport, reporter: Reporter) -> None:
    """Both ways."""
    connection = transport.connection
    assert connection is not None
    connection.pause_writing()
    assert connection.is_congested
    connection.resume_writing()
    assert not connection.is_congested
    assert reporter.happened[1:] == ["congested", "relieved"]


async def test_being_heard(transport: FakeTransport) -> None:
    """Any byte is a sign of life."""
    connection = transport.connection
    assert connection is not None
    connection.silence = 31
    transport.feed(b"\0")
    assert connection.silence == 0


async def test_a_share_of_the_turn(transport: FakeTransport, reporter: Reporter) -> None:
    """Of time: what follows waits, unread, until its owner says so; nothing is out of order."""
    reporter.turn_seconds = 0.0
    transport.feed(bodies("one", "two") + bodies("three")[:4])
    connection = transport.connection
    assert connection is not None
    assert (reporter.happened[1:], reporter.deferred, transport.is_paused) == (["one"], [connection], True)
    transport.feed(bodies("three")[4:])
    connection.proceed()
    connection.defer()
    assert (reporter.happened[1:], len(reporter.deferred)) == (["one"], 1)
    connection.go_on()
    assert (reporter.happened[1:], len(reporter.deferred)) == (["one", "two"], 2)
    reporter.turn_seconds = 1.0
    connection.go_on()
    assert not transport.is_paused
    transport._read_on()
    assert reporter.happened[1:] == ["one", "two", "three"]


async def test_the_last_body_of_a_turn(transport: FakeTransport, reporter: Reporter) -> None:
    """Nothing follows it, so nothing waits."""
    reporter.turn_seconds = 0.0
    transport.feed(bodies("one"))
    assert (reporter.deferred, transport.is_paused) == ([], False)


async def test_a_share_that_comes_too_late(transport: FakeTransport, reporter: Reporter) -> None:
    """The connection has ended meanwhile: what waited is dropped."""
    reporter.turn_seconds = 0.0
    transport.feed(bodies("one", "two"))
    connection = transport.connection
    assert connection is not None
    connection.close()
    connection.go_on()
    assert "two" not in reporter.happened


async def test_closing_what_isnt_read(
    transport: FakeTransport, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more is written, and what comes is dropped until the peer closes too, or for a while."""
    monkeypatch.setattr("tcp_server.delivery.connection.LINGER_SECONDS", 0.0)
    connection = transport.connection
    assert connection is not None
    transport.feed(bodies("wait", "one"))
    connection.close()
    assert (transport.has_ended, transport.is_closing(), transport.is_paused) == (True, False, False)
    reporter.busy = False
    connection.data_received(bodies("two"))
    connection.stop_reading()
    connection.proceed()
    connection.close()
    assert connection.eof_received() is False
    await reporter.gone.wait()
    assert reporter.happened[1:] == ["wait", "lost", "gone"]
