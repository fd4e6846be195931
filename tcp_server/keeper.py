"""Keeps connections alive and drops the dead: who is silent, and who takes nothing (PROTOCOL.md sections 4, 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tcp_server.connection import Connection
from tcp_server.messages import ByeReason

SWEEP_SECONDS = 1.0
PING_SECONDS = 30.0  # of silence, until a connection is pinged
SILENCE_SECONDS = 60.0  # of silence, until it is dropped
SLOW_SECONDS = 60.0  # without taking a byte of what waits for it, until it is dropped


class Keeper:
    """Looks at all connections once a second.

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
        now = self._loop.time()
        for connection in list(self._connections):
            self.look_at(connection, now)
        self._timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def look_at(self, connection: Connection, now: float) -> None:
        """Ping or drop one connection if it is time to; `now` is in seconds of the loop's clock."""
        if connection.is_congested:
            unsent = connection.transport.get_write_buffer_size()
            if unsent != connection.unsent:
                connection.unsent, connection.moved_at = unsent, now
            elif now - connection.moved_at >= SLOW_SECONDS:
                self._drop(connection, "slow")
            return
        connection.unsent = 0
        if not connection.is_reading:
            return  # its silence is ours: an answer of the log, or a replay, is on its way
        silent = now - connection.heard_at
        if silent >= SILENCE_SECONDS:
            self._drop(connection, "timeout")
        elif silent >= PING_SECONDS and not connection.is_pinged:
            connection.is_pinged = True
            self._ping(connection)
