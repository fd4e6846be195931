"""The inlet: where the server says what happened. On one machine the hub itself is the inlet.

All input was checked before (`front`); what depends on the chat's state is decided behind the inlet. In a cluster a
desk stands here instead. It brings the calls that alter the chat (`received`, `hold`, `expire`) into one order for all
machines. The other calls concern one session, or a count, and alter nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

from tcp_server.chat.state import Moment, Session
from tcp_server.protocol.client_packets import ClientPacket, Refusal
from tcp_server.protocol.server_packets import ByeReason


class Inlet(Protocol):
    """Takes packets and facts; the hub's outputs follow, in the order of what was said."""

    def connected(self, port: Any, hello: bytes, now: Moment) -> Session:
        """Begin a session, which is greeted with `hello`."""

    def received(self, session: Session, packet: ClientPacket, now: Moment) -> None:
        """Act on a checked packet of a session that is not busy."""

    def refused(self, session: Session, refusal: Refusal) -> bool:
        """Answer a body that was refused before it was a packet; True asks to end the session: it was the tenth."""

    def answered(self, session: Session, body: bytes) -> None:
        """Send a session the log's answer; the session is busy no more."""

    def linked(self, session: Session, ref: str | None) -> None:
        """End a session before READY whose connection is a link from here on."""

    def close(self, session: Session, reason: ByeReason | None, message: str = "") -> None:
        """End a session, with a BYE unless its connection broke; call `hold` after it."""

    def hold(self, session: Session, now: Moment) -> None:
        """Take a closed session from its user, which is held for the time of grace if that was its last."""

    def run_timers(self, now: Moment) -> None:
        """Do what is due and is a session's own affair: end what never opened, send the counts of big rooms."""

    def expire(self, now: Moment) -> None:
        """Let users go whose grace is over."""

    def next_due(self) -> float | None:
        """Return when `run_timers` or `expire` has something to do, in seconds of `Moment.seconds`."""
