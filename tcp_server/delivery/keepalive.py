"""Keepalive: pings silent connections, and drops the dead and the stuck (PROTOCOL.md sections 4, 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tcp_server.delivery.connection import Connection
from tcp_server.delivery.fanout import Fanout
from tcp_server.net.outlet import Outlet
from tcp_server.protocol import server_packets
from tcp_server.wordpacket import encode

SWEEP_SECONDS = 1.0
PING_SWEEPS = 30  # of silence, until a connection is pinged
SILENCE_SWEEPS = 60  # of silence, until it is dropped
STUCK_SWEEPS = 60  # without taking a byte although some wait, until it is dropped

PING = encode(server_packets.format(server_packets.Ping()))


class Keepalive:
    """Looks at all connections once a second.

    It counts its own sweeps instead of asking a clock: a server that was itself stopped for a while has heard nothing
    either, and must not drop everybody when it goes on.

    Args:
        wake: begins a tick, with which a PING leaves.
    """

    def __init__(
        self,
        connections: Iterable[Connection],
        fanout: Fanout[Outlet],
        wake: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._connections = connections
        self._fanout = fanout
        self._wake = wake
        self._loop = loop
        self._timer = loop.call_later(SWEEP_SECONDS, self._sweep)

    def stop(self) -> None:
        self._timer.cancel()

    def _sweep(self) -> None:
        for connection in list(self._connections):
            self.look_at(connection)
        self._timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def look_at(self, connection: Connection) -> None:
        """Count a sweep for one connection, and ping or drop it if it is time to."""
        if connection.is_congested:
            self._look_at_congested(connection)
            return
        connection.stuck = connection.unsent = 0
        if not connection.is_reading:
            return  # its silence is ours: an answer of the log, or a replay, is on its way
        connection.silence += 1
        if connection.silence == PING_SWEEPS:
            self._fanout.send(connection, PING)
            self._wake()
        elif connection.silence >= SILENCE_SWEEPS:
            text = f"no data was received for {SILENCE_SWEEPS * SWEEP_SECONDS:.0f} seconds"
            connection.handler.drop("timeout", text)

    def _look_at_congested(self, connection: Connection) -> None:
        unsent = connection.transport.get_write_buffer_size()
        if unsent != connection.unsent:
            connection.unsent, connection.stuck = unsent, 0
            return
        connection.stuck += 1
        if connection.stuck >= STUCK_SWEEPS:
            connection.handler.drop("slow", f"no data was accepted for {STUCK_SWEEPS * SWEEP_SECONDS:.0f} seconds")
