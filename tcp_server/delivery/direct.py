"""A session on a connection of its own: the port and the handler of a plain TCP client."""

from __future__ import annotations

from typing import Protocol

from tcp_server.chat.phases import Phase
from tcp_server.chat.state import Session
from tcp_server.delivery.connection import Connection
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.pace import Pace, PaceEvent
from tcp_server.delivery.port import Port
from tcp_server.delivery.postponed import ANSWERS_MAX
from tcp_server.net.outlet import Outlet
from tcp_server.protocol.server_packets import ByeReason

HIGH_WATER = 64 * 1024  # bytes that wait for a reader before its connection counts as congested

_OPENING, _BEHIND = Phase.OPENING, Pace.BEHIND  # Python 3.11 takes 0.1 µs to find an enumeration's member


class DirectHost(Protocol):
    """The server, as far as a direct session needs it."""

    tick: int

    def open_session(self, port: DirectPort) -> Session: ...
    def receive(self, session: Session, body: bytes) -> None: ...
    def receive_opening(self, port: DirectPort, body: bytes) -> None: ...
    def break_session(self, session: Session, text: str) -> None: ...
    def drop_session(self, session: Session, reason: ByeReason, text: str) -> None: ...
    def end_session(self, session: Session) -> None: ...
    def congested(self, port: DirectPort) -> None: ...
    def relieved(self, port: DirectPort) -> None: ...


class DirectPort(Port):
    """Port and handler in one: a connection has this session alone."""

    __slots__ = ("_host",)

    turn_seconds = 0.002

    def __init__(self, connection: Connection, host: DirectHost) -> None:
        super().__init__(connection)
        self._host = host
        self.session = host.open_session(self)

    # The handler of the connection

    def begin_turn(self) -> None:
        if self.tick != self._host.tick:
            self.renew_share(self._host.tick)

    def receive(self, body: bytes) -> bool:
        session = self.session
        if session.phase is _OPENING:
            self._host.receive_opening(self, body)
        else:
            self._host.receive(session, body)
        self.share -= 1
        if self.share <= 0 or session.owed > ANSWERS_MAX:
            self.connection.defer()
            return False
        return not (session.busy or self.pace is _BEHIND)

    def is_waiting(self) -> bool:
        return self.session.busy or self.pace is _BEHIND or self.connection.is_congested

    def broken(self, text: str) -> None:
        self._host.break_session(self.session, text)

    def lost(self) -> None:
        self._host.end_session(self.session)

    def drop(self, reason: ByeReason, text: str) -> None:
        self._host.drop_session(self.session, reason, text)

    def congested(self) -> None:
        self.connection.stop_reading()  # at any pace: what isn't read asks for nothing more
        self._host.congested(self)

    def relieved(self) -> None:
        self._host.relieved(self)
        self.connection.proceed()

    # Being behind

    def lag(self, fanout: Fanout[Outlet], after: int) -> None:
        """Hear no more rooms if live: the connection takes no more bytes, and everything up to an id was sent."""
        if self.pace is Pace.LIVE:
            self.move(PaceEvent.LAGGED)
            self.unsubscribe_all(fanout)
            self.after, self.told = after, None

    def to_catch_up(self) -> list[DirectPort]:
        """Return this port if it is behind: it can be caught up now."""
        return [self] if self.is_behind else []
