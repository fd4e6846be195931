"""The connection under a client: made, kept alive, made again.

This file owns the socket and the clock; `resume` decides what is said. It never waits for the program, nor for the
socket to take written bytes: a server whose session lags reads nothing until we have read, so waiting would be a
deadlock. The outbox's window bounds what is written.
"""

import asyncio
import contextlib
import enum
import logging
import os
import random
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import assert_never

from cli_client.library.codes import Then
from cli_client.library.events import Live
from cli_client.library.inbox import Inbox
from cli_client.library.outputs import Answered, Hangup, Happened, Output, Write
from cli_client.library.resume import ResumingSession, SessionPhase
from tcp_server.net.backoff import backoff
from tcp_server.protocol import server_packets
from tcp_server.wordpacket import Decoder, PacketError, encode

CONNECT_SECONDS = 10.0
READ_BYTES = 65_536
RECONNECT_MIN_SECONDS = 0.5
RECONNECT_MAX_SECONDS = 30.0
LATE_SECONDS = 1.0  # a timer that is so late: this process was stopped, or the machine slept
STABLE_SECONDS = 5.0  # a connection that lived so long is made again at once; a flapping one is not

logger = logging.getLogger(__name__)


class ConnectionState(enum.Enum):
    """Whether the client is connected, and whether it tries to be."""

    LIVE = "live"
    RECONNECTING = "reconnecting"
    OFFLINE = "offline"  # and the client doesn't try to change that


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """The state of the connection, since when (UTC), and why."""

    state: ConnectionState
    reason: str = ""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


def reconnect_delays(uniform: Callable[[float, float], float] = random.uniform) -> Iterator[float]:
    """Yield the seconds to wait before each attempt: none before the first, then as `backoff` says."""
    yield 0.0
    yield from backoff(RECONNECT_MIN_SECONDS, RECONNECT_MAX_SECONDS, uniform)


class Reconnector:
    """Keeps a session connected.

    `run` is the loop. `happened(output)` gets every event and answer, in order and at once; it must not block.
    `lost(hangup, retry_seconds)` is told of each end of a connection, or of an attempt at one; if it returns False, the
    loop ends. A full inbox stops the reading.

    Attributes:
        status: the state of the connection now.
    """

    def __init__(
        self,
        host: str,
        port: int,
        session: ResumingSession,
        inbox: Inbox,
        *,
        happened: Callable[[Happened | Answered], None],
        lost: Callable[[Hangup, float | None], bool],
    ) -> None:
        self._host = host
        self._port = port
        self._session = session
        self._inbox = inbox
        self._happened = happened
        self._lost = lost
        self._writer: asyncio.StreamWriter | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._impatient = asyncio.Event()
        self._hangup: Hangup | None = None
        self._was_live = False
        self.status = ConnectionStatus(ConnectionState.OFFLINE, "not connected yet")
        self._is_closing = False
        self._is_held = False  # the inbox is full, and the connection is not read

    async def run(self) -> None:
        """Connect, serve, and connect again, until `lost` says stop or the server sends us away for good."""
        self.status = ConnectionStatus(ConnectionState.RECONNECTING, "not connected yet")
        clock = asyncio.get_running_loop().time
        delays = reconnect_delays()
        while True:
            began = clock()
            hangup = await self._connection()
            if clock() - began >= STABLE_SECONDS and self._was_live:
                delays = reconnect_delays()
            delay: float | None = next(delays)
            if hangup.then is Then.LATER and not delay:
                delay = next(delays)
            if hangup.then is Then.STOP or self._is_closing:
                delay = None
            logger.info("connection lost: %s; next attempt in %s s", hangup.reason, delay)
            if not self._lost(hangup, delay):
                return
            self._note_lost(hangup.reason, delay)
            if delay is None:
                return
            await self._pause(delay)

    def reconnect_now(self) -> None:
        """End the wait before the next attempt, if the client waits."""
        self._impatient.set()

    def check_now(self) -> None:
        """Ask the server at once whether it is there, or try to connect at once."""
        self.reconnect_now()
        self._apply(self._session.check(self._now()))
        self._rearm()

    @property
    def unanswered(self) -> float:
        """The seconds for which the server owes an answer and has said nothing; 0 if that is not long."""
        return 0.0 if self._is_held or self._writer is None else self._session.unanswered(self._now())

    def close(self) -> None:
        """Make no further attempt after this connection; to be called before BYE is said."""
        self._is_closing = True

    def flush(self) -> None:
        """Write the messages that are due in the outbox."""
        self._apply(self._session.flush(self._now()))
        self._arm()

    def write(self, body: bytes) -> None:
        """Write the frame of a body, if there is a connection."""
        if self._writer is not None:
            self._writer.write(encode(body))

    def ask(self, body: bytes) -> None:
        """Write the frame of a body that the server has to answer, if there is a connection."""
        if self._writer is not None:
            self.write(body)
            self._session.expect(self._now())
            self._arm()

    # -- one connection --------------------------------------------------------------------------

    async def _connection(self) -> Hangup:
        """Make a connection and serve it to its end."""
        self._was_live = False
        self._hangup = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(self._host, self._port)
        except TimeoutError:
            return Hangup("no answer", "unreachable")
        except (OSError, UnicodeError) as error:  # the latter for a host's name that is not valid
            return Hangup(describe(error), "unreachable")
        self._writer = writer
        self._is_held = False
        self._session.connected(self._now())
        self._arm()
        try:
            return await self._read(reader)
        finally:
            self._disarm()
            self._was_live = self._session.phase is SessionPhase.LIVE
            self._session.ended()
            self._writer = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> Hangup:
        """Read bodies until the connection ends, or a packet or the clock ends it."""
        decoder = Decoder()
        try:
            while not self._hangup and (data := await reader.read(READ_BYTES)):
                decoder.feed(data)
                for body in decoder:
                    self._receive(body)
                self._arm()
                if not self._hangup and self._inbox.is_full:
                    self._is_held = True
                    await self._inbox.wait_for_room()
                    self._is_held = False
            if not self._hangup:
                decoder.end()
        except PacketError as error:
            return self._hangup or Hangup(f"the server does not speak word packets: {error}", "framing")
        except OSError as error:
            return self._hangup or Hangup(describe(error))
        return self._hangup or Hangup("the server closed the connection")

    def _receive(self, body: bytes) -> None:
        if self._hangup is not None:
            return
        try:
            self._apply(self._session.received(body, self._now()))
        except server_packets.MessageError as error:
            if self._session.phase is SessionPhase.OPENING:
                self._hang_up(Hangup("this is not a chat server", "framing"))
            logger.debug("a packet was ignored: %s", error)

    def _apply(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case Write():
                    self.write(output.body)
                case Happened() | Answered():
                    if isinstance(output, Happened) and isinstance(output.event, Live):
                        self.status = ConnectionStatus(ConnectionState.LIVE)
                    self._happened(output)
                case Hangup():
                    self._hang_up(output)
                case _:
                    assert_never(output)

    def _hang_up(self, hangup: Hangup) -> None:
        self._hangup = hangup
        if self._writer is None:
            return
        if hangup.code:
            self._writer.close()
        else:
            self._writer.transport.abort()

    def _note_lost(self, reason: str, delay: float | None) -> None:
        """Keep the time of the first cut while attempts fail."""
        state = ConnectionState.OFFLINE if delay is None else ConnectionState.RECONNECTING
        since = self.status.since if self.status.state is state else datetime.now(UTC)
        self.status = ConnectionStatus(state, reason, since)

    # -- time ------------------------------------------------------------------------------------

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _arm(self) -> None:
        """Have `_wake` called in time. An early timer does no harm, so the timer is only moved forward."""
        when = self._session.wake_at(self._now())
        if when is None or (self._timer is not None and self._timer.when() <= when):
            return
        self._disarm()
        self._timer = asyncio.get_running_loop().call_at(when, self._wake)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rearm(self) -> None:
        self._disarm()
        self._arm()

    def _wake(self) -> None:
        """Do what is due. While nothing is read, or while this process was stopped, the silence isn't the server's."""
        now = self._now()
        is_late = self._timer is not None and now - self._timer.when() > LATE_SECONDS
        self._timer = None
        if self._is_held or is_late:
            self._apply(self._session.check(now))
        self._apply(self._session.wake(now))
        self._arm()

    async def _pause(self, seconds: float) -> None:
        self._impatient.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._impatient.wait()


def describe(error: OSError | UnicodeError) -> str:
    """Return why a connection failed, in a few lower-case words."""
    if isinstance(error, UnicodeError):
        return "the host's name is not valid"
    if isinstance(error, socket.gaierror):  # its numbers are not errno's
        return (error.strerror or str(error)).lower()
    number = getattr(error, "errno", None)
    if number is None:  # one error for several addresses, whose numbers are in its text
        found = re.search(r"\[Errno (\d+)\]", str(error))
        number = int(found[1]) if found else 0
    return os.strerror(number).lower() if number else str(error).lower() or "unknown error"
