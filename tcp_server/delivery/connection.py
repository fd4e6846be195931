"""A transport's bytes <-> bodies, and whether it takes more bytes; what the bodies mean is its handler's business."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Protocol, cast

from tcp_server.net.outlet import Outlet
from tcp_server.protocol.server_packets import ByeReason
from tcp_server.wordpacket import Decoder, PacketError

CLOSE_SECONDS = 5.0  # how long a closing connection may take to accept its last bytes
LINGER_SECONDS = 1.0  # how long bytes are dropped that a closing connection still sends


class Handler(Protocol):
    """The end of a connection: one session, or a link.

    Attributes:
        turn_seconds: how long its packets may take in one turn of the loop; a packet that was begun is finished.
    """

    @property
    def turn_seconds(self) -> float: ...

    def begin_turn(self) -> None:
        """Bodies follow, in this turn of the loop."""

    def receive(self, body: bytes) -> bool:
        """Act on a body; False says that the next one must wait until `Connection.proceed`."""

    def is_waiting(self) -> bool:
        """Say whether the next body must wait."""

    def broken(self, text: str) -> None:
        """The stream can't be read further."""

    def lost(self) -> None:
        """The other side sends no more."""

    def drop(self, reason: ByeReason, text: str) -> None:
        """Give the connection up, with a BYE."""

    def congested(self) -> None:
        """The transport takes no more bytes."""

    def relieved(self) -> None:
        """The transport takes bytes again."""


class Acceptor(Protocol):
    """The owner of connections."""

    def accepted(self, connection: Connection) -> Handler: ...
    def lost(self, connection: Connection) -> None: ...

    def defer(self, waiting: Waiting) -> None:
        """Go on with this one once the outputs that gather now are taken."""


class Waiting(Protocol):
    """What has used up its share of a tick."""

    def go_on(self) -> None:
        """Begin with a new share."""


class Connection(Outlet, asyncio.Protocol):
    """One TCP connection. Give frames to `write`.

    Attributes:
        handler: acts on what the peer sends; another one may take its place.
        is_congested: the transport takes no more bytes.
        is_reading: False while bytes from the peer are left to the kernel.
        silence, unsent, stuck: counts of `Keepalive`.
    """

    __slots__ = (
        "_acceptor",
        "_decoder",
        "_is_deferred",
        "_is_lingering",
        "_loop",
        "handler",
        "is_congested",
        "is_reading",
        "silence",
        "stuck",
        "unsent",
    )

    handler: Handler

    def __init__(self, acceptor: Acceptor, loop: asyncio.AbstractEventLoop) -> None:
        self._acceptor = acceptor
        self._loop = loop
        self._decoder = Decoder()
        self._is_deferred = False  # its share is used up
        self._is_lingering = False  # closing; what it sends is dropped
        self.is_reading = True
        self.is_congested = False
        self.silence = 0  # sweeps since the last byte from the peer
        self.unsent = 0  # bytes that waited for the peer at the last sweep
        self.stuck = 0  # sweeps since that number changed

    def limit_writing(self, high_water: int) -> None:
        """Set how many bytes may wait in the transport before it counts as congested."""
        self.transport.set_write_buffer_limits(high=high_water)

    def proceed(self) -> None:
        """Go on with bodies that were received, and read on, unless the handler must wait still."""
        if self._is_deferred or self._is_lingering or self.transport.is_closing():
            return  # `go_on` will do it, or there is nothing to do
        if not self.handler.is_waiting():
            self._pass_on()
        if not (self._is_deferred or self.is_reading or self.handler.is_waiting() or self.transport.is_closing()):
            self.is_reading = True
            self.transport.resume_reading()

    def defer(self) -> None:
        """Leave the bodies that follow for later: this connection has had its share."""
        if not self._is_deferred:
            self._is_deferred = True
            self.stop_reading()
            self._acceptor.defer(self)

    def go_on(self) -> None:
        """Begin with a new share."""
        self._is_deferred = False
        self.proceed()

    def stop_reading(self) -> None:
        """Leave the peer's bytes to the kernel, until `proceed`."""
        if self.is_reading and not self._is_lingering and not self.transport.is_closing():
            self.is_reading = False
            self.transport.pause_reading()

    def close(self) -> None:
        """Write the bytes that wait and close; a peer that doesn't take them within CLOSE_SECONDS is cut off."""
        self.end_writing()
        if self._is_lingering or self.transport.is_closing():
            return
        if self.is_reading:
            self.transport.close()
        else:
            self._linger()
        self._loop.call_later(CLOSE_SECONDS, self._cut_off)

    def _linger(self) -> None:
        """Say that nothing more is written, and close when the peer has done so too.

        Bytes from the peer are in the kernel. Closing now would reset the connection, and the peer's own kernel would
        drop what the peer has not read yet, a BYE for one.
        """
        self._is_lingering = self.is_reading = True
        self.transport.write_eof()
        self.transport.resume_reading()
        self._loop.call_later(LINGER_SECONDS, self.transport.close)

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.begin_writing(cast(asyncio.Transport, transport))
        self.handler = self._acceptor.accepted(self)

    def data_received(self, data: bytes) -> None:
        self.silence = 0
        if self._is_lingering:
            return
        self._decoder.feed(data)
        if self.is_reading:  # or a handler that waits will call `proceed`
            self._pass_on()

    def eof_received(self) -> bool:
        if self._is_lingering:
            return False  # the transport closes
        self.handler.lost()
        return True  # bytes on their way to the peer are still sent; the handler's end closes the connection

    def connection_lost(self, error: Exception | None) -> None:
        self.end_writing()
        self.handler.lost()
        self._acceptor.lost(self)

    def pause_writing(self) -> None:
        self.is_congested = True
        self.handler.congested()

    def resume_writing(self) -> None:
        self.is_congested = False
        self.handler.relieved()

    def _cut_off(self) -> None:
        if self.transport.get_write_buffer_size():
            self.abort()

    def _pass_on(self) -> None:
        began = monotonic()
        self.handler.begin_turn()
        try:
            for body in self._decoder:
                handler = self.handler
                if not handler.receive(body):
                    self.stop_reading()
                    return
                if monotonic() - began > handler.turn_seconds and self._decoder.pending:
                    self.defer()
                    return
        except PacketError as error:
            self.handler.broken(str(error))
