"""Ports by themselves: a session, a fan-out that keeps what is written, and what a port needs around it."""

from typing import Any

from tcp_server.chat.phases import Phase
from tcp_server.chat.state import Session, User
from tcp_server.delivery.fanout import Fanout
from tcp_server.net.outlet import Outlet
from tcp_server.wordpacket import Decoder
from tests.outlets import KeptOutlet, write_each


class KeptConnection(KeptOutlet):
    """A connection that keeps what is written to it, and notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.is_congested = False

    def stop_reading(self) -> None:
        self.told.append("stop reading")

    def defer(self) -> None:
        self.told.append("defer")

    def proceed(self) -> None:
        self.told.append("proceed")

    def close(self) -> None:
        self.told.append("close")

    def bodies(self) -> list[str]:
        """Return the bodies that were written since the last time."""
        decoder = Decoder()
        decoder.feed(b"".join(self.writes))
        self.writes.clear()
        return [body.decode() for body in decoder]


def make_fanout() -> Fanout[Outlet]:
    return Fanout(write_each)


def chatting(port: Any) -> Session:
    """Return a session after READY with this port."""
    session = Session(port)
    session.phase, session.user = Phase.CHATTING, User(1, "alice", "alice")
    port.session = session
    return session
