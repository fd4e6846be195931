"""All browsers: their arrival, their end, and the tick that serves them (PROTOCOL.md section 6).

A tick is one read of the link: `tick` takes its bodies in order, and `Audiences.flush` at its end writes to every
browser once. This module owns the browsers by number; `audiences` owns the rooms, and `sessions` moves each session
from phase to phase.
"""

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from collections.abc import Iterable

import msgspec

from tcp_server.net.outlet import write_all
from tcp_server.protocol import entries
from ws_bridge import translate
from ws_bridge.audiences import Audiences
from ws_bridge.browser import Browser, BrowserPhase
from ws_bridge.frames import PING, text_frame
from ws_bridge.server_link import ServerLink
from ws_bridge.sessions import Sessions
from ws_bridge.stats import Stats
from ws_bridge.timing import Timing

# Sessions resumed at once on a new link; the next slice follows once the server has taken this one. A slice is small
# enough that the server's other users notice nothing, and a thousand sessions take ten round trips.
SLICE = 100

AWAY_NOTICE = translate.notice("The chat server can't be reached right now; trying again.")

TRY_AGAIN_LATER = 1013
GOING_AWAY = 1001

logger = logging.getLogger(__name__)


class Browsers:
    """Every browser that is connected, and their share of the link."""

    def __init__(self, timing: Timing, stats: Stats) -> None:
        self._timing = timing
        self._stats = stats
        self._audiences = Audiences(stats, write_all)
        self._sessions = Sessions(self._audiences, timing, stats)
        self._by_number: dict[int, Browser] = {}
        self._numbers = itertools.count(1)
        self._waiting: dict[Browser, float] = {}  # for a server: since when, oldest first
        self._to_open: deque[Browser] = deque()  # sessions of later slices
        self._congested: dict[Browser, tuple[int, float]] = {}  # unsent bytes, and since when they don't shrink
        self._unread: set[Browser] = set()  # not read while the link is congested
        self._sweeps = 0
        self._notice_timer: asyncio.TimerHandle | None = None  # while a lost link's NOTICE is repeated
        self._gone = asyncio.Event()  # set when the last browser has left

    def __len__(self) -> int:
        return len(self._by_number)

    def browser(self, number: int) -> Browser:
        """Return the browser with this session number."""
        return self._by_number[number]

    @property
    def is_linked(self) -> bool:
        return self._sessions.link is not None

    @property
    def room_count(self) -> int:
        return self._audiences.room_count

    # The tick.

    def tick(self, link: ServerLink, bodies: Iterable[bytes]) -> None:
        """Take one read of the link: here a tick begins and ends.

        A room's body is decoded once, framed once and queued once, whatever the number of its browsers; `flush` then
        writes the whole tick to each browser with one call.
        """
        decode = translate.envelope
        audiences = self._audiences
        try:
            for body in bodies:
                try:
                    envelope = decode(body)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                    logger.warning("the server sent a body that is no packet: %s", error)
                    continue
                if envelope.session is not None:
                    browser = self._by_number.get(envelope.session)
                    if browser is not None:
                        self._sessions.received(browser, envelope, body)
                elif envelope.room is not None:
                    room = audiences.room(envelope.room)
                    if room is not None:
                        audiences.queue(room, text_frame(body), envelope.id if envelope.type in entries.TYPES else 0)
                elif envelope.type == "NOTICE":
                    self._tell_all(body)
                else:
                    link.control(envelope.type, body)
        finally:  # bodies in front of a bad one are delivered
            audiences.flush()
            self._sessions.pause_congested()

    # The link comes and goes.

    def link_opened(self, link: ServerLink) -> None:
        """Give every browser its session, slice by slice."""
        self._sessions.link = link
        self._stop_notices()
        self._waiting.clear()
        self._to_open.extend(self._by_number.values())
        self._open_slice(link)

    def link_lost(self) -> None:
        """Keep the browsers: the next link resumes their sessions."""
        self._sessions.link = None
        self._to_open.clear()
        for browser in self._by_number.values():
            self._sessions.lost(browser)
        self._tell_all(AWAY_NOTICE)
        self._notice_later()
        now = asyncio.get_running_loop().time()
        self._waiting = dict.fromkeys(self._by_number.values(), now)
        self.link_writable()

    def link_writable(self) -> None:
        for browser in self._unread:
            browser.read_on()
        self._unread.clear()

    def _notice_later(self) -> None:
        self._notice_timer = asyncio.get_running_loop().call_later(self._timing.notice, self._notice_again)

    def _notice_again(self) -> None:
        """Repeat the NOTICE while there is no server, so that nobody takes the bridge for dead."""
        frame = text_frame(AWAY_NOTICE)
        for browser in self._by_number.values():
            # A congested browser still has the NOTICE before this one among its unsent bytes.
            if self._hears_notices(browser) and not browser.is_congested:
                browser.write(frame)
        self._notice_later()

    def _stop_notices(self) -> None:
        if self._notice_timer is not None:
            self._notice_timer.cancel()
            self._notice_timer = None

    def _open_slice(self, link: ServerLink) -> None:
        for _ in range(min(SLICE, len(self._to_open))):
            browser = self._to_open.popleft()
            if browser.phase is BrowserPhase.AWAY:  # also a slow browser: its user would be gone after the grace
                self._sessions.open(browser)
        if self._to_open:
            link.fence(lambda: self._open_slice(link))

    # What browsers do.

    def arrived(self, transport: asyncio.Transport) -> Browser:
        """Take a connection after its handshake; return its protocol from now on."""
        browser = Browser(next(self._numbers), transport, self)
        self._by_number[browser.number] = browser
        self._stats.accepted += 1
        link = self._sessions.link
        if link is None:
            self._waiting[browser] = asyncio.get_running_loop().time()
        elif self._to_open:
            self._to_open.append(browser)
        else:
            self._sessions.open(browser)
        return browser

    def browser_said(self, browser: Browser, body: bytes) -> None:
        self._stats.browser_bytes_in += len(body)
        self._sessions.said(browser, body)
        link = self._sessions.link
        if link is not None and link.is_congested:
            browser.stop_reading()
            self._unread.add(browser)

    def browser_congested(self, browser: Browser) -> None:
        loop = asyncio.get_running_loop()
        self._congested[browser] = (browser.transport.get_write_buffer_size(), loop.time())
        self._sessions.congested(browser)
        loop.call_soon(self._sessions.pause_congested)  # outside of a tick; within one its end does it

    def browser_drained(self, browser: Browser) -> None:
        self._congested.pop(browser, None)
        self._sessions.drained(browser)

    def browser_closing(self, browser: Browser) -> None:
        if browser.phase is not BrowserPhase.ENDED:
            self._sessions.end(browser)
            asyncio.get_running_loop().call_later(self._timing.close, browser.abort)

    def browser_lost(self, browser: Browser) -> None:
        self._sessions.end(browser)
        del self._by_number[browser.number]
        self._waiting.pop(browser, None)
        self._congested.pop(browser, None)
        self._unread.discard(browser)
        if not self._by_number:
            self._gone.set()

    # Timeouts.

    def sweep(self) -> None:
        """End browsers that waited too long for a server, take nothing or are silent; call it every `Timing.sweep`."""
        now = asyncio.get_running_loop().time()
        for browser, since in list(self._waiting.items()):
            if now - since < self._timing.away:
                break
            self._sessions.close(browser, TRY_AGAIN_LATER, "the chat server is away")
            del self._waiting[browser]
        for browser, (before, since) in list(self._congested.items()):
            unsent = browser.transport.get_write_buffer_size()
            if now - since >= self._timing.slow and unsent >= before:
                self._drop(browser)
            else:
                self._congested[browser] = (unsent, now if unsent < before else since)
        self._sweeps += 1
        for number, browser in list(self._by_number.items()):
            if (number + self._sweeps) % self._timing.sweeps_per_look == 0:
                self._look_at(browser)

    def _look_at(self, browser: Browser) -> None:
        """Ping a silent browser, and drop it if it stays silent; `sweep` watches the congested ones."""
        if browser.is_congested or browser.phase is BrowserPhase.ENDED:
            browser.silent = 0  # a ping would wait behind all of its unsent bytes
            return
        browser.silent += 1
        if browser.silent >= self._timing.looks_until_dead:
            self._drop(browser)
        elif browser.silent == self._timing.looks_until_ping:
            browser.write(PING)

    def _drop(self, browser: Browser) -> None:
        self._sessions.end(browser)
        browser.abort()

    def _tell_all(self, body: bytes) -> None:
        self._audiences.flush()  # earlier bodies of the link come first for every browser
        frame = text_frame(body)
        for browser in self._by_number.values():
            if self._hears_notices(browser):
                browser.write(frame)

    @staticmethod
    def _hears_notices(browser: Browser) -> bool:
        """Say whether a browser may be told something: its first body is HELLO."""
        return browser.phase is not BrowserPhase.ENDED and browser.greeted

    async def close(self) -> None:
        """Close every browser with 1001; wait for their ends, but at most `Timing.close`."""
        self._stop_notices()
        for browser in self._by_number.values():
            self._sessions.close(browser, GOING_AWAY, "the bridge is going down")
        if self._by_number:
            self._gone.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), self._timing.close)
