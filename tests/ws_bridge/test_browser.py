"""One browser as values: what it holds for the link, and when it is read."""

import asyncio
from typing import cast

import pytest

from ws_bridge.browser import HELD_MAX, HIGH_WATER, LOW_WATER, TURN_MAX, Browser, BrowserOwner


class FakeTransport:
    """A transport without a socket, so that all bytes are written through it; it notes whether it is read."""

    def __init__(self) -> None:
        self.is_read = True
        self.closing = False
        self.limits = (0, 0)
        self.writes: list[bytes] = []

    def get_extra_info(self, name: str) -> object:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.limits = (high, low)

    def pause_reading(self) -> None:
        assert self.is_read, "uvloop takes no second pause"
        self.is_read = False

    def resume_reading(self) -> None:
        assert not self.is_read
        self.is_read = True


class Events:
    """Notes what a browser reports."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def browser_said(self, browser: Browser, body: bytes) -> None:
        self.names.append("said")

    def browser_congested(self, browser: Browser) -> None:
        self.names.append("congested")

    def browser_drained(self, browser: Browser) -> None:
        self.names.append("drained")

    def browser_closing(self, browser: Browser) -> None:
        self.names.append("closing")

    def browser_lost(self, browser: Browser) -> None:
        self.names.append("lost")


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def browser(transport: FakeTransport, events: Events) -> Browser:
    owner: BrowserOwner = events
    return Browser(1, cast(asyncio.Transport, transport), owner)


async def test_held_frames_come_back_in_order(browser: Browser) -> None:
    """PINGs that must be repeated come first; with nothing left the browser remembers no list."""
    browser.hold(b"1")
    browser.hold(b"2")
    browser.pings = [b"ping"]
    assert [browser.release() for _ in range(4)] == [b"ping", b"1", b"2", None]
    assert (browser.held, browser.pings, browser.held_bytes) == (None, None, 0)


async def test_a_browser_that_holds_much_is_not_read(browser: Browser, transport: FakeTransport) -> None:
    """From HELD_MAX bytes on, until all of them are released."""
    browser.hold(b"x" * (HELD_MAX - 1))
    assert transport.is_read
    browser.hold(b"y")
    browser.hold(b"z")
    assert not transport.is_read
    while browser.release() is not None:
        assert not transport.is_read
    await asyncio.sleep(0)
    assert transport.is_read


def message(count: int = 1) -> bytes:
    """Return masked frames of an empty object."""
    return b"\x81\x82\0\0\0\0{}" * count


async def test_a_turn_takes_so_many_bodies(browser: Browser, transport: FakeTransport, events: Events) -> None:
    """The rest of a read comes in later turns, and meanwhile the socket is not read."""
    browser.data_received(message(2 * TURN_MAX + 1))
    for turn in (1, 2):
        assert events.names == ["said"] * turn * TURN_MAX
        assert not transport.is_read
        await asyncio.sleep(0)
    assert events.names == ["said"] * (2 * TURN_MAX + 1)
    assert transport.is_read


async def test_who_takes_nothing_is_not_read(browser: Browser, transport: FakeTransport, events: Events) -> None:
    """In no phase: what waits for a congested browser can't grow by what it sends itself."""
    browser.pause_writing()
    assert not transport.is_read
    browser.data_received(message())  # read before the pause
    browser.read_on()
    await asyncio.sleep(0)
    assert (events.names, transport.is_read) == (["congested"], False)
    browser.resume_writing()
    await asyncio.sleep(0)
    assert (events.names, transport.is_read) == (["congested", "drained", "said"], True)


async def test_bodies_stop_where_reading_stops(
    browser: Browser, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bodies behind one that congests the browser are not taken before it has drained."""

    def refuse(browser: Browser, body: bytes) -> None:
        events.names.append("said")
        browser.pause_writing()

    monkeypatch.setattr(events, "browser_said", refuse)
    browser.data_received(message(3))
    for _ in range(2):
        await asyncio.sleep(0)
    assert events.names == ["said", "congested"]
    browser.resume_writing()
    await asyncio.sleep(0)
    assert events.names == ["said", "congested", "drained", "said", "congested"]


async def test_nothing_is_taken_of_a_lost_connection(browser: Browser, events: Events) -> None:
    """Also not the rest of its last read."""
    browser.data_received(message(TURN_MAX + 1))
    browser.connection_lost(None)
    await asyncio.sleep(0)
    assert events.names == ["said"] * TURN_MAX + ["lost"]


def test_answers_come_in_the_order_of_the_frames(browser: Browser) -> None:
    """Without an unanswered frame there is none to take."""
    assert browser.next_answered() is None
    browser.unanswered = [b"1", b"2"]
    assert [browser.next_answered() for _ in range(3)] == [b"1", b"2", None]


async def test_congestion_is_reported(browser: Browser, transport: FakeTransport, events: Events) -> None:
    """The transport's marks say when it begins and when it ends."""
    assert transport.limits == (HIGH_WATER, LOW_WATER)
    browser.pause_writing()
    assert browser.is_congested
    browser.resume_writing()
    assert not browser.is_congested
    assert events.names == ["congested", "drained"]


def test_bytes_end_a_silence(browser: Browser, events: Events) -> None:
    """Also bytes that make no whole message yet."""
    browser.silent = 3
    browser.data_received(b"\x81")
    assert browser.silent == 0
    assert events.names == []


def test_an_address_that_is_gone_is_empty(browser: Browser) -> None:
    """The server takes any text for it."""
    assert browser.address == ""


def test_a_closed_socket_gets_no_pong(browser: Browser, transport: FakeTransport, events: Events) -> None:
    """A PING that was read before the end is not answered behind it."""
    transport.closing = True
    browser.data_received(b"\x89\x80\0\0\0\0")
    assert (events.names, transport.writes) == ([], [])
    transport.closing = False
    browser.data_received(b"\x89\x80\0\0\0\0")
    assert transport.writes == [b"\x8a\x00"]
