"""Keeps connections alive and drops the dead: who is silent, and who takes nothing (PROTOCOL.md sections 4, 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tcp_server.delivery.connection import Connection
from tcp_server.protocol.server_packets import ByeReason

SWEEP_SECONDS = 1.0
PING_SWEEPS = 30  # of silence, until a connection is pinged
SILENCE_SWEEPS = 60  # of silence, until it is dropped
SLOW_SWEEPS = 60  # without taking a byte of what waits for it, until it is dropped


class Keeper:
    """Looks at all connections once a second.

    It counts its own sweeps instead of asking a clock: a server that was itself stopped for a while has heard
    nothing either, and must not drop everybody when it goes on.

    Args:
        ping: sends a PING.
        drop: ends a connection, for the reason "timeout" or "slow".
    """

    def __init__(
        self,
        connections: Iterable[Connection],
        ping: Callable[[Connection], None],
        drop: Callable[[Connection, ByeReason], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._connections = connections
        self._ping = ping
        self._drop = drop
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
            self._ping(connection)
        elif connection.silence >= SILENCE_SWEEPS:
            self._drop(connection, "timeout")

    def _look_at_congested(self, connection: Connection) -> None:
        unsent = connection.transport.get_write_buffer_size()
        if unsent != connection.unsent:
            connection.unsent, connection.stuck = unsent, 0
            return
        connection.stuck += 1
        if connection.stuck >= SLOW_SWEEPS:
            self._drop(connection, "slow")
