"""One browser: its WebSocket, and all that the bridge remembers of its session.

`Browser` turns the socket's bytes into bodies for its `BrowserOwner`, and closes the socket in order. `sessions`
decides when a body crosses the link.
"""

import asyncio
import enum
from typing import Protocol

from ws_bridge.audiences import Hearer
from ws_bridge.frames import Receiver, text_frame
from ws_bridge.translate import KnownSession

# Unsent bytes above which a browser is congested, and below which it has drained. A slow browser keeps at most this and
# one tick in memory; browsers that lack the same frames of a room share these bytes.
HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024

# A congested browser still gets the answers to its earlier requests; the largest answer has 64 KiB. No chat client asks
# for more than this and reads nothing.
UNSENT_MAX = 4 * 1024 * 1024

# Unanswered frames of a browser before READY; further ones are held. Fewer than the server queues of a session, and
# with HELD_MAX bytes smaller, so that the server refuses none of them for its queue.
UNANSWERED_MAX = 64

# PINGs of a paused browser that are to be repeated. A client has at most 64 packets unanswered (section 6).
REPEATED_MAX = 1000

HELD_MAX = 64 * 1024  # held bytes of a browser above which its socket isn't read (PROTOCOL.md section 6)

TURN_MAX = 64  # bodies taken of a browser in one turn of the event loop, so that no browser keeps the others waiting


class BrowserPhase(enum.Enum):
    """Where a browser's session stands on the current link."""

    AWAY = "no session on this link"
    OPENING = "OPEN was sent, READY has not come"
    LIVE = "READY has come"
    PAUSED = "PAUSE was sent; entries are dropped"
    CATCHING_UP = "RESUME was sent; entries before its answer are dropped"
    ENDED = "over, or the browser is being closed"


DROPPING = frozenset({BrowserPhase.PAUSED, BrowserPhase.CATCHING_UP})


class BrowserOwner(Protocol):
    """Takes a browser's bodies and its events."""

    def browser_said(self, browser: "Browser", body: bytes) -> None: ...

    def browser_congested(self, browser: "Browser") -> None: ...

    def browser_drained(self, browser: "Browser") -> None: ...

    def browser_closing(self, browser: "Browser") -> None: ...

    def browser_lost(self, browser: "Browser") -> None: ...


class Browser(Hearer, asyncio.Protocol):
    """A connected browser. Thousands may be idle: hence the slots, and the lists that are made only when needed."""

    __slots__ = (
        "_is_read",
        "_is_turn_due",
        "_owner",
        "_reading",
        "_receiver",
        "greeted",
        "held",
        "held_bytes",
        "is_congested",
        "known",
        "number",
        "phase",
        "pings",
        "silent",
        "unanswered",
    )

    def __init__(self, number: int, transport: asyncio.Transport, owner: BrowserOwner) -> None:
        super().__init__()
        self._owner = owner
        self._receiver = Receiver()
        self._reading = True  # the browser's bodies are wanted
        self._is_turn_due = False  # further bodies, read already, are taken in a later turn
        self._is_read = True  # the transport reads
        self.number = number  # of its session, the same on every link; PROTOCOL.md wants it unique on a link
        self.begin_writing(transport)
        self.phase = BrowserPhase.AWAY
        self.is_congested = False  # from HIGH_WATER unsent bytes on, until they are below LOW_WATER
        self.silent = 0  # looks (`Timing.look`) since the browser last sent something

        # Its session, for resuming.
        self.greeted = False  # a HELLO was sent
        self.unanswered: list[bytes] | None = None  # frames that crossed before its first READY and have no answer yet
        self.known: KnownSession | None = None  # its newest READY, with its present rooms

        # Frames that wait for the link: the browser's own, and the PINGs to be repeated.
        self.held: list[bytes] | None = None
        self.held_bytes = 0
        self.pings: list[bytes] | None = None

        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)

    @property
    def address(self) -> str:
        """The browser's IP address; "" if its connection has ended already."""
        peer = self.transport.get_extra_info("peername")
        return str(peer[0]) if peer else ""

    def tell(self, body: bytes) -> None:
        """Send one body at once. Within a tick use `Audiences.queue_own` instead; never call it in the phase ENDED."""
        self.write(text_frame(body))

    def hold(self, frame: bytes) -> None:
        """Keep a frame for the link until `release`; from HELD_MAX bytes on, stop reading."""
        if self.held is None:
            self.held = []
        self.held.append(frame)
        self.held_bytes += len(frame)
        if self.held_bytes >= HELD_MAX:
            self.stop_reading()

    def release(self) -> bytes | None:
        """Return the frame that waited longest; when none waits, read on and return None."""
        if self.pings:
            return self.pings.pop(0)
        if self.held:
            frame = self.held.pop(0)
            self.held_bytes -= len(frame)
            return frame
        self.pings = self.held = None
        self.read_on()
        return None

    def next_answered(self) -> bytes | None:
        """Remove and return the oldest unanswered frame: the server has answered it."""
        return self.unanswered.pop(0) if self.unanswered else None

    def stop_reading(self) -> None:
        """Take no further body until `read_on`."""
        self._reading = False
        self._steer_transport()

    def read_on(self) -> None:
        """Take bodies again, in a later turn, unless the browser holds too much or takes nothing itself."""
        if not self._reading and not self.is_congested and self.held_bytes < HELD_MAX:
            self._reading = True
            self._take_later()

    def close(self, code: int, reason: str, wait: float) -> None:
        """Begin the closing handshake; after `wait` seconds close the socket without it.

        The phase must be ENDED.
        """
        self.held = self.pings = None
        self.held_bytes = 0
        self.read_on()  # for the browser's close frame
        self._receiver.close(code, reason)
        self._send_control()
        asyncio.get_running_loop().call_later(wait, self.abort)

    # Called by asyncio.

    def data_received(self, data: bytes) -> None:
        self.silent = 0
        self._receiver.receive(data)
        if self._reading and not self._is_turn_due:
            self._take()

    def pause_writing(self) -> None:
        self.is_congested = True
        self.stop_reading()  # pongs and refusals would pile up here
        self._owner.browser_congested(self)

    def resume_writing(self) -> None:
        self.is_congested = False
        self._owner.browser_drained(self)
        self.read_on()

    def connection_lost(self, error: Exception | None) -> None:
        self._receiver.end()
        self.end_writing()
        self._owner.browser_lost(self)

    # Reading.

    def _take(self) -> None:
        """Take the bodies that were read: those of one turn, and none after `stop_reading`."""
        receiver = self._receiver
        for _ in range(TURN_MAX):
            body = receiver.next_message()
            if body is None:
                break
            self._owner.browser_said(self, body)
            if not self._reading:
                break
        else:
            if receiver.has_more:
                self._take_later()
        if receiver.data_to_send is not None:
            self._send_control()
            if not receiver.open:
                self._owner.browser_closing(self)

    def _take_later(self) -> None:
        if not self._is_turn_due:
            self._is_turn_due = True
            self._steer_transport()
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_turn_due = False
        if self._reading:
            self._take()
        self._steer_transport()

    def _steer_transport(self) -> None:
        wanted = self._reading and not self._is_turn_due
        if wanted is not self._is_read:
            self._is_read = wanted
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def _send_control(self) -> None:
        """Send the WebSocket protocol's own frames: pongs, and the closing handshake."""
        pieces, self._receiver.data_to_send = self._receiver.data_to_send, None
        for data in pieces or ():
            if self.transport.is_closing():
                return
            if data:
                self.write(data)
            else:
                # Half-close. A full close while the browser still sends would reset the connection, and the reset
                # could overtake the close frame with its code.
                self.transport.write_eof()
