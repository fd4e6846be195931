"""One browser: its WebSocket, and all that the bridge remembers of its session.

It turns the socket's bytes into messages for its `Owner` and knows how to end. What a message means, and when
it may cross the link, is decided in `sessions`.
"""

import asyncio
import enum
from typing import Protocol

from ws_bridge.fanout import Hearer
from ws_bridge.frames import Receiver, text_frame
from ws_bridge.translate import Ready

# Unsent bytes above which a browser counts as slow, and below which it has drained. Together with what one
# tick can bring, this bounds what a slow browser costs; and what a room had is shared among all who lack it.
HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024

# A slow browser still gets the answers to what it asked before it was slow; the largest has 64 KiB. One that
# has asked for more than this and reads nothing is no chat client.
UNSENT_MAX = 4 * 1024 * 1024

UNANSWERED_MAX = 64  # packets that it may send before READY without awaiting an answer; then they wait

HELD_MAX = 64 * 1024  # bytes of its own packets that wait (PROTOCOL.md section 6); then it isn't read


class Phase(enum.Enum):
    """Where a browser's session stands on the current link."""

    AWAY = "no session on this link"
    OPENING = "OPEN was sent, READY has not come"
    LIVE = "READY has come"
    PAUSED = "PAUSE was sent; what comes is dropped"
    CATCHING_UP = "RESUME was sent; what comes before its answer is dropped"
    ENDED = "over, or the browser is being closed"


DROPPING = frozenset({Phase.PAUSED, Phase.CATCHING_UP})


class Owner(Protocol):
    """Who a browser reports to."""

    def browser_said(self, browser: "Browser", body: bytes) -> None: ...

    def browser_choked(self, browser: "Browser") -> None: ...

    def browser_drained(self, browser: "Browser") -> None: ...

    def browser_closing(self, browser: "Browser") -> None: ...

    def browser_lost(self, browser: "Browser") -> None: ...


class Browser(Hearer, asyncio.Protocol):
    """A connected browser. Thousands lie idle, hence the slots, and lists made only when needed."""

    __slots__ = (
        "_owner",
        "_reading",
        "_receiver",
        "choked",
        "greeted",
        "held",
        "held_bytes",
        "known",
        "number",
        "phase",
        "pings",
        "silent",
        "unanswered",
    )

    def __init__(self, number: int, transport: asyncio.Transport, owner: Owner) -> None:
        super().__init__()
        self._owner = owner
        self._receiver = Receiver()
        self._reading = True
        self.number = number  # of its session, the same on every link; PROTOCOL.md wants it unique on each
        self.begin_writing(transport)
        self.phase = Phase.AWAY
        self.choked = False  # more is unsent than HIGH_WATER
        self.silent = 0  # looks at it (`Timing.look`) since it was last heard

        # Its session, for resuming.
        self.greeted = False  # it has seen a HELLO
        self.unanswered: list[bytes] | None = None  # what crossed before its first READY and has no answer yet
        self.known: Ready | None = None  # its newest READY, with the rooms of now; None before the first

        # What waits: its packets for the link, and the PINGs to be repeated.
        self.held: list[bytes] | None = None
        self.held_bytes = 0
        self.pings: list[bytes] | None = None

        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)

    @property
    def address(self) -> str:
        """Its IP address; "" if it has gone already."""
        peer = self.transport.get_extra_info("peername")
        return str(peer[0]) if peer else ""

    def tell(self, body: bytes) -> None:
        """Send one body as a text message, not within a tick (`Fanout.own`) or after the phase is ENDED."""
        self.write(text_frame(body))

    def hold(self, packet: bytes) -> None:
        """Keep a packet for the link until `release`; when it is many bytes, stop reading."""
        if self.held is None:
            self.held = []
        self.held.append(packet)
        self.held_bytes += len(packet)
        if self.held_bytes >= HELD_MAX:
            self.stop_reading()

    def release(self) -> bytes | None:
        """Return what waited longest; when nothing waits, read on."""
        if self.pings:
            return self.pings.pop(0)
        if self.held:
            packet = self.held.pop(0)
            self.held_bytes -= len(packet)
            return packet
        self.pings = self.held = None
        self.read_on()
        return None

    def next_answered(self) -> bytes | None:
        """Take what was the longest without an answer: it has one now."""
        return self.unanswered.pop(0) if self.unanswered else None

    def stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def read_on(self) -> None:
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()

    def close(self, code: int, reason: str, wait: float) -> None:
        """Begin the closing handshake; after `wait` seconds at most the socket is closed without it.

        The phase must be ENDED.
        """
        self.read_on()  # its own close frame must be seen
        self._receiver.close(code, reason)
        self._send_control()
        asyncio.get_running_loop().call_later(wait, self.abort)

    # asyncio's side.

    def data_received(self, data: bytes) -> None:
        self.silent = 0
        for body in self._receiver.receive(data):
            self._owner.browser_said(self, body)
        if self._receiver.data_to_send is not None:
            self._send_control()
            if not self._receiver.open:
                self._owner.browser_closing(self)

    def pause_writing(self) -> None:
        self.choked = True
        self._owner.browser_choked(self)

    def resume_writing(self) -> None:
        self.choked = False
        self._owner.browser_drained(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.end_writing()
        self._owner.browser_lost(self)

    def _send_control(self) -> None:
        """Send what the WebSocket protocol itself has to say: pongs, and the closing handshake."""
        pieces, self._receiver.data_to_send = self._receiver.data_to_send, None
        for data in pieces or ():
            if self.transport.is_closing():
                return
            if data:
                self.write(data)
            else:
                # Half-close: to close fully while the browser still sends would reset the connection, and the
                # reset could overtake the close frame with its code.
                self.transport.write_eof()
