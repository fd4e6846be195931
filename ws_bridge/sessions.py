"""The life of a browser's session on the link: open, resume, pause, catch up, end (PROTOCOL.md section 6).

This module decides when a browser's frames cross the link, and which of the server's bodies reach the browser. It
handles one session at a time; `audiences` has the rooms, and `browsers` has all browsers.
"""

from collections.abc import Callable, Collection

from tcp_server.protocol import entries
from ws_bridge import translate
from ws_bridge.audiences import Audiences
from ws_bridge.browser import DROPPING, HELD_MAX, REPEATED_MAX, UNANSWERED_MAX, UNSENT_MAX, Browser, BrowserPhase
from ws_bridge.frames import text_frame
from ws_bridge.server_link import ServerLink
from ws_bridge.stats import Stats
from ws_bridge.timing import Timing
from ws_bridge.translate import AskedSession, Envelope, NotForwarded

Handler = Callable[[Browser, Envelope, bytes], bool]


class Sessions:
    """Moves each session from phase to phase.

    Attributes:
        link: the open link, set by the owner; None: every session is AWAY or ENDED.
    """

    def __init__(self, audiences: Audiences, timing: Timing, stats: Stats) -> None:
        self.link: ServerLink | None = None
        self._audiences = audiences
        self._congested: list[Browser] = []
        self._epoch: str | None = None  # the newest READY's; all sessions share this one string
        self._timing = timing
        self._stats = stats
        # A handler returns whether the browser gets the body too. A body without a handler always goes to the browser.
        self._handlers: dict[str, Handler] = {
            "HELLO": self._hello,
            "READY": self._ready,
            "RETRY": self._refused,
            "ERROR": self._error,
            **dict.fromkeys(entries.TYPES, self._entry),
            "PONG": self._pong,
            "GAP": self._gap,
            "SUBSCRIBE": self._subscribe,
            "UNSUBSCRIBE": self._unsubscribe,
            "RESUME": self._resume,
            "BYE": self._bye,
        }

    # Events of the browser.

    def open(self, browser: Browser) -> None:
        """Open the session of an AWAY browser on a new link, or resume it if there was one."""
        browser.phase = BrowserPhase.OPENING
        self._send(translate.open_session(browser.number, browser.address))
        if browser.known is not None:
            self._send(translate.come_back(browser.number, browser.known, browser.cursor))
        for frame in browser.unanswered or ():
            self._send(frame)
        # The server takes frames in order, so held ones need not wait for the READY.
        self._release(browser)

    def said(self, browser: Browser, body: bytes) -> None:
        """Forward a browser's body, or hold it until it may cross."""
        if browser.phase is BrowserPhase.ENDED:
            return
        try:
            frame = translate.for_server(browser.number, body)
        except NotForwarded as refused:
            browser.tell(refused.reply)
            return
        if self._is_forwarded(browser):
            self._forward(browser, frame)
        else:
            browser.hold(frame)

    def congested(self, browser: Browser) -> None:
        """Note a congested browser; the caller must call `pause_congested` after the tick."""
        self._congested.append(browser)

    def pause_congested(self) -> None:
        """Pause the sessions of congested browsers: they catch up from the server's log, not from this memory.

        The tick in which a browser became congested must have been written to it, so that its cursor is exact.
        """
        for browser in self._congested:
            if browser.phase is BrowserPhase.LIVE and browser.is_congested:
                self._audiences.silence(browser)  # this brings the cursor up to date
                browser.phase = BrowserPhase.PAUSED
                self._stats.pauses += 1
                self._send(translate.pause(browser.number))
        self._congested.clear()

    def drained(self, browser: Browser) -> None:
        """Go on with a browser that has drained."""
        if browser.phase is BrowserPhase.PAUSED:
            browser.phase = BrowserPhase.CATCHING_UP
            self._send(translate.resume(browser.number, browser.cursor))
        else:
            self._release(browser)

    def end(self, browser: Browser) -> None:
        """Tell the server that the browser is gone: the server holds the user in grace."""
        self._audiences.silence(browser)
        if browser.phase not in (BrowserPhase.AWAY, BrowserPhase.ENDED):
            self._send(translate.close_session(browser.number))
        browser.phase = BrowserPhase.ENDED

    def close(self, browser: Browser, code: int, reason: str) -> None:
        """End a session and its browser's socket with a close code."""
        if browser.phase is not BrowserPhase.ENDED:
            self._audiences.silence(browser)
            browser.phase = BrowserPhase.ENDED
            browser.close(code, reason, self._timing.close)

    def lost(self, browser: Browser) -> None:
        """Take a session off its lost link, and keep its cursor for the next one."""
        self._audiences.silence(browser)
        if browser.phase is not BrowserPhase.ENDED:
            browser.phase = BrowserPhase.AWAY

    def _tell(self, browser: Browser, body: bytes) -> None:
        """Queue a body of the server for its browser."""
        if browser.is_congested and browser.transport.get_write_buffer_size() > UNSENT_MAX:
            self._give_up(browser)
        else:
            self._audiences.queue_own(browser, text_frame(translate.for_browser(body)))

    def _give_up(self, browser: Browser) -> None:
        """End a browser that asks for much and takes nothing."""
        self.end(browser)
        browser.abort()

    # The server's bodies for one session.

    def received(self, browser: Browser, envelope: Envelope, body: bytes) -> None:
        if browser.phase is BrowserPhase.AWAY or browser.phase is BrowserPhase.ENDED:
            return  # the body crossed the CLOSE, or the session is not opened on this link yet
        handler = self._handlers.get(envelope.type)
        if handler is None or handler(browser, envelope, body):
            self._tell(browser, body)

    def _hello(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        first = not browser.greeted
        browser.greeted = True
        return first

    def _ready(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        ready = translate.ready(body)
        known = browser.known
        if browser.phase is BrowserPhase.OPENING:
            if known is None:
                asked = translate.asked(browser.next_answered())
            else:
                asked = AskedSession(known.epoch, browser.cursor, known.server_password)
            browser.cursor = translate.first_cursor(ready, asked)
            ready.server_password = asked.server_password
            browser.phase = BrowserPhase.LIVE
            browser.unanswered = None  # only frames before READY are sent again
            if browser.is_congested:
                self.congested(browser)
            else:
                self._release(browser)
        elif known is not None:
            ready.server_password = known.server_password
        ready.epoch = self._epoch = self._epoch if ready.epoch == self._epoch else ready.epoch
        browser.known = ready
        self._remember_rooms(browser, ready.rooms)
        return True

    def _refused(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if browser.phase is BrowserPhase.OPENING:
            if browser.known is not None:
                browser.known = None  # the resume is refused: the session is before READY
            else:
                browser.next_answered()  # each frame before READY has one answer, in order
            self._release(browser)
        return True

    def _error(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        # It answers a packet that the server did not queue, before the answers to those in the queue.
        if translate.is_queue_full(body):
            return True
        return self._refused(browser, envelope, body)

    def _entry(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if envelope.id <= browser.cursor:
            return True  # the answer to a resend: no replay brings it again
        if browser.phase in DROPPING:
            return False
        browser.cursor = envelope.id
        return True

    def _pong(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if browser.phase in DROPPING:  # a PONG vouches for earlier entries, and some of them were dropped
            if browser.pings is None:
                browser.pings = []
            browser.pings.append(translate.ping_again(browser.number, body))
            if len(browser.pings) > REPEATED_MAX:
                self._give_up(browser)
            return False
        if browser.phase is BrowserPhase.LIVE:
            browser.cursor = max(browser.cursor, envelope.id)
        elif browser.phase is BrowserPhase.OPENING:
            browser.next_answered()
            self._release(browser)
        return True

    def _gap(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if browser.phase in DROPPING:  # the next replay has its own GAP
            return False
        browser.cursor = max(browser.cursor, envelope.id - 1)
        return True

    def _subscribe(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if envelope.room is not None and browser.known is not None:
            if browser.phase not in DROPPING:
                self._audiences.subscribe(browser, envelope.room)
            self._remember_rooms(browser, {*browser.known.rooms, envelope.room})
        return False

    def _unsubscribe(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if envelope.room is not None and browser.known is not None:
            self._audiences.unsubscribe(browser, envelope.room)
            self._remember_rooms(browser, {*browser.known.rooms} - {envelope.room})
        return False

    def _resume(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if browser.phase is BrowserPhase.CATCHING_UP:
            browser.phase = BrowserPhase.LIVE
            if browser.is_congested:
                self.congested(browser)
            else:
                self._release(browser)
        return False

    def _bye(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        self._tell(browser, body)
        reason, _ = translate.said(body)
        self.close(browser, translate.close_code(reason), reason)
        return False

    # Helpers.

    def _is_forwarded(self, browser: Browser) -> bool:
        """Say whether a browser's frames may cross now.

        A congested browser's frames wait, so that their answers don't pile up here. Before READY the number and the
        bytes of unanswered frames are bounded, since each of them is kept to be sent again.
        """
        if browser.phase is BrowserPhase.OPENING:
            unanswered = browser.unanswered or ()
            return len(unanswered) < UNANSWERED_MAX and sum(map(len, unanswered)) < HELD_MAX
        return browser.phase is BrowserPhase.LIVE and not browser.is_congested

    def _forward(self, browser: Browser, frame: bytes) -> None:
        if browser.phase is BrowserPhase.OPENING and browser.known is None and translate.is_answered(frame):
            if browser.unanswered is None:
                browser.unanswered = []
            browser.unanswered.append(frame)
        self._send(frame)

    def _send(self, frame: bytes) -> None:
        if self.link is not None:
            self.link.send(frame)

    def _release(self, browser: Browser) -> None:
        """Forward held frames, oldest first, as long as they may cross."""
        while self._is_forwarded(browser):
            frame = browser.release()
            if frame is None:
                return
            self._forward(browser, frame)

    def _remember_rooms(self, browser: Browser, names: Collection[str]) -> None:
        """Note all rooms of a browser's user: a paused browser hears none of them."""
        if browser.known is not None:
            rooms = tuple(sorted(names))
            # Thousands of browsers may hear the same rooms: they share one tuple.
            browser.known.rooms = browser.audience.names if browser.audience.names == rooms else rooms
