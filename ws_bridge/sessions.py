"""The life of a browser's session on the link: open, resume, pause, catch up, end (PROTOCOL.md section 6).

It decides what of a browser crosses the link and when, and what of the server's reaches the browser. It knows
one session at a time; the rooms are in `fanout`, all browsers together in `browsers`.
"""

from collections.abc import Callable, Collection

from ws_bridge import translate
from ws_bridge.browser import DROPPING, UNANSWERED_MAX, UNSENT_MAX, Browser, Phase
from ws_bridge.fanout import Fanout
from ws_bridge.frames import text_frame
from ws_bridge.link import Link
from ws_bridge.stats import Stats
from ws_bridge.timing import Timing
from ws_bridge.translate import Asked, Envelope, Refused

Handler = Callable[[Browser, Envelope, bytes], bool]


class Sessions:
    """Moves each session from phase to phase.

    Attributes:
        link: the link that is open now; set by the owner. Without one every session is AWAY or ENDED.
    """

    def __init__(self, fanout: Fanout, timing: Timing, stats: Stats) -> None:
        self.link: Link | None = None
        self._fanout = fanout
        self._choked: list[Browser] = []
        self._epoch: str | None = None  # the newest one; every session's `known` shares this string
        self._timing = timing
        self._stats = stats
        # A handler returns whether the packet is for the browser too. What has no handler always is.
        self._handlers: dict[str, Handler] = {
            "HELLO": self._hello,
            "READY": self._ready,
            "RETRY": self._refused,
            "ERROR": self._refused,
            "MSG": self._message,
            "PONG": self._pong,
            "GAP": self._gap,
            "SUBSCRIBE": self._subscribe,
            "UNSUBSCRIBE": self._unsubscribe,
            "RESUME": self._resume,
            "BYE": self._bye,
        }

    # What happens to the browser.

    def open(self, browser: Browser) -> None:
        """Give an AWAY browser its session on a new link, resumed if it had one before."""
        browser.phase = Phase.OPENING
        self._send(translate.open_session(browser.number, browser.address))
        if browser.known is not None:
            self._send(translate.come_back(browser.number, browser.known, browser.cursor))
        for packet in browser.unanswered or ():
            self._send(packet)
        # The server takes what follows in order, so it need not wait for the READY.
        self._release(browser)

    def said(self, browser: Browser, body: bytes) -> None:
        """Forward what the browser says, or keep it until the link takes it."""
        if browser.phase is Phase.ENDED:
            return
        try:
            packet = translate.for_server(browser.number, body)
        except Refused as refused:
            browser.tell(refused.reply)
            return
        if self._is_forwarded(browser):
            self._forward(browser, packet)
        else:
            browser.hold(packet)

    def choked(self, browser: Browser) -> None:
        """Note a browser that became slow; `pause_choked` must follow, but not while its tick is written."""
        self._choked.append(browser)

    def pause_choked(self) -> None:
        """Take slow browsers off the live stream: the server's log keeps their place, not our memory.

        All of the tick in which a browser became slow has been written to it, so its cursor is exact.
        """
        for browser in self._choked:
            if browser.phase is Phase.LIVE and browser.choked:
                self._fanout.silence(browser)  # this brings the cursor up to date
                browser.phase = Phase.PAUSED
                self._stats.pauses += 1
                self._send(translate.pause(browser.number))
        self._choked.clear()

    def drained(self, browser: Browser) -> None:
        """Go on with a browser that was slow."""
        if browser.phase is Phase.PAUSED:
            browser.phase = Phase.CATCHING_UP
            self._send(translate.resume(browser.number, browser.cursor))
        else:
            self._release(browser)

    def end(self, browser: Browser) -> None:
        """Tell the server that the browser is gone; it keeps the user in grace."""
        self._fanout.silence(browser)
        if browser.phase not in (Phase.AWAY, Phase.ENDED):
            self._send(translate.close_session(browser.number))
        browser.phase = Phase.ENDED

    def close(self, browser: Browser, code: int, reason: str) -> None:
        """End a session and its browser's socket with a close code."""
        if browser.phase is not Phase.ENDED:
            self._fanout.silence(browser)
            browser.phase = Phase.ENDED
            browser.close(code, reason, self._timing.close)

    def lost(self, browser: Browser) -> None:
        """Keep what a session needs to be resumed, when its link is lost."""
        self._fanout.silence(browser)
        if browser.phase is not Phase.ENDED:
            browser.phase = Phase.AWAY

    def _tell(self, browser: Browser, body: bytes) -> None:
        """Queue a packet of the server for its browser."""
        if browser.choked and browser.transport.get_write_buffer_size() > UNSENT_MAX:
            self.end(browser)
            browser.abort()
        else:
            self._fanout.own(browser, text_frame(translate.for_browser(body)))

    # What the server says to the session.

    def received(self, browser: Browser, envelope: Envelope, body: bytes) -> None:
        if browser.phase is Phase.AWAY or browser.phase is Phase.ENDED:
            return  # they cross
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
        if browser.phase is Phase.OPENING:
            if known is None:
                asked = translate.asked(browser.next_answered())
            else:
                asked = Asked(known.epoch, browser.cursor, known.server_password)
            browser.cursor = translate.first_cursor(ready, asked)
            ready.server_password = asked.server_password
            browser.phase = Phase.LIVE
            browser.unanswered = None  # the rest crossed too, and goes the way of all that a READY precedes
            if browser.choked:
                self.choked(browser)
            else:
                self._release(browser)
        elif known is not None:
            ready.server_password = known.server_password
        ready.epoch = self._epoch = self._epoch if ready.epoch == self._epoch else ready.epoch
        browser.known = ready
        self._remember_rooms(browser, ready.rooms)
        return True

    def _refused(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if browser.phase is Phase.OPENING:
            if browser.known is not None:
                browser.known = None  # the session was to be resumed: it is before READY now
            else:
                browser.next_answered()  # a NICK, or what else came before READY: each has one answer, in order
            self._release(browser)
        return True

    def _message(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if envelope.id <= browser.cursor:
            return True  # the answer to a resend: no replay would bring it again
        if browser.phase in DROPPING:
            return False
        browser.cursor = envelope.id
        return True

    def _pong(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if browser.phase in DROPPING:  # what it vouches for was dropped in part
            browser.pings = [*(browser.pings or ()), translate.ping_again(browser.number, body)]
            return False
        if browser.phase is Phase.LIVE:
            browser.cursor = max(browser.cursor, envelope.id)
        elif browser.phase is Phase.OPENING:
            browser.next_answered()
            self._release(browser)
        return True

    def _gap(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if browser.phase in DROPPING:  # it comes again with the replay that replaces this one
            return False
        browser.cursor = max(browser.cursor, envelope.id - 1)
        return True

    def _subscribe(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if envelope.room is not None and browser.known is not None:
            if browser.phase not in DROPPING:
                self._fanout.subscribe(browser, envelope.room)
            self._remember_rooms(browser, {*browser.known.rooms, envelope.room})
        return False

    def _unsubscribe(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if envelope.room is not None and browser.known is not None:
            self._fanout.unsubscribe(browser, envelope.room)
            self._remember_rooms(browser, {*browser.known.rooms} - {envelope.room})
        return False

    def _resume(self, browser: Browser, envelope: Envelope, body: bytes) -> bool:
        if browser.phase is Phase.CATCHING_UP:
            browser.phase = Phase.LIVE
            if browser.choked:
                self.choked(browser)
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
        """Whether its packets cross now.

        A slow browser's wait, so that its answers don't pile up here; and before READY those behind many that
        have no answer yet, since all of these are kept to be sent again.
        """
        if browser.phase is Phase.OPENING:
            return len(browser.unanswered or ()) < UNANSWERED_MAX
        return browser.phase is Phase.LIVE and not browser.choked

    def _forward(self, browser: Browser, packet: bytes) -> None:
        if browser.phase is Phase.OPENING and browser.known is None and translate.is_answered(packet):
            browser.unanswered = [*(browser.unanswered or ()), packet]
        self._send(packet)

    def _send(self, packet: bytes) -> None:
        if self.link is not None:
            self.link.send(packet)

    def _release(self, browser: Browser) -> None:
        """Let cross what waited, oldest first, as far as it may."""
        while self._is_forwarded(browser):
            packet = browser.release()
            if packet is None:
                return
            self._forward(browser, packet)

    def _remember_rooms(self, browser: Browser, names: Collection[str]) -> None:
        """Note all rooms of a browser's user; they are more than it hears while it is paused."""
        if browser.known is not None:
            rooms = tuple(sorted(names))
            # Thousands hear the same rooms: one tuple for all of them.
            browser.known.rooms = browser.audience.names if browser.audience.names == rooms else rooms
