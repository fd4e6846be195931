"""A session on a connection of its own: the port and the handler of a plain TCP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tcp_server.chat.phases import Phase
from tcp_server.chat.state import Session
from tcp_server.delivery.port import Pace, Port

if TYPE_CHECKING:
    from tcp_server.delivery.connection import Connection

HIGH_WATER = 64 * 1024  # bytes that wait for a reader before it counts as slow

_OPENING, _BEHIND = Phase.OPENING, Pace.BEHIND  # Python 3.11 takes 0.1 µs to find an enumeration's member


class Host(Protocol):
    """What a direct session needs of the server."""

    def open_session(self, port: DirectPort) -> Session: ...
    def receive(self, session: Session, body: bytes) -> None: ...
    def receive_opening(self, port: DirectPort, body: bytes) -> None: ...
    def break_session(self, session: Session, text: str) -> None: ...
    def end_session(self, session: Session) -> None: ...
    def congested(self, port: DirectPort) -> None: ...
    def relieved(self, port: DirectPort) -> None: ...


class DirectPort(Port):
    __slots__ = ("_host",)

    def __init__(self, connection: Connection, host: Host) -> None:
        super().__init__(connection)
        self._host = host
        self.session = host.open_session(self)

    def receive(self, body: bytes) -> bool:
        session = self.session
        if session.phase is _OPENING:
            self._host.receive_opening(self, body)
        else:
            self._host.receive(session, body)
        return not (session.busy or self.pace is _BEHIND)

    def is_waiting(self) -> bool:
        return self.session.busy or self.pace is _BEHIND

    def broken(self, text: str) -> None:
        self._host.break_session(self.session, text)

    def lost(self) -> None:
        self._host.end_session(self.session)

    def congested(self) -> None:
        self._host.congested(self)

    def relieved(self) -> None:
        self._host.relieved(self)
