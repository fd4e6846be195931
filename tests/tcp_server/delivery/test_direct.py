"""A session on a connection of its own: what goes to the server, and when it falls behind."""

import pytest

from tcp_server.chat.phases import Phase
from tcp_server.chat.state import Room, Session
from tcp_server.delivery.direct import DirectPort
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.pace import Pace, PaceEvent
from tcp_server.delivery.port import SHARE
from tcp_server.delivery.postponed import ANSWERS_MAX
from tcp_server.net.outlet import Outlet
from tcp_server.protocol.server_packets import ByeReason
from tcp_server.wordpacket import encode
from tests.tcp_server.delivery.ports import KeptConnection, make_fanout

TEA = Room("tea", "tea")


class NotingHost:
    """A server that notes what a port tells it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.is_busy_after = False
        self.tick = 0

    def open_session(self, port: DirectPort) -> Session:
        return Session(port)

    def receive(self, session: Session, body: bytes) -> None:
        self.told.append(f"receive {body.decode()}")
        session.busy = self.is_busy_after

    def receive_opening(self, port: DirectPort, body: bytes) -> None:
        self.told.append(f"opening {body.decode()}")

    def break_session(self, session: Session, text: str) -> None:
        self.told.append(f"break: {text}")

    def drop_session(self, session: Session, reason: ByeReason, text: str) -> None:
        self.told.append(f"drop {reason}: {text}")

    def end_session(self, session: Session) -> None:
        self.told.append("end")

    def congested(self, port: DirectPort) -> None:
        self.told.append("congested")

    def relieved(self, port: DirectPort) -> None:
        self.told.append("relieved")


@pytest.fixture
def host() -> NotingHost:
    return NotingHost()


@pytest.fixture
def port(host: NotingHost) -> DirectPort:
    return DirectPort(KeptConnection(), host)  # type: ignore[arg-type]


@pytest.fixture
def fanout() -> Fanout[Outlet]:
    return make_fanout()


def test_bodies_before_and_after_ready(host: NotingHost, port: DirectPort) -> None:
    """Before READY the connection may become a link, so the server looks at them apart."""
    port.begin_turn()
    assert port.receive(b"1")
    port.session.phase = Phase.CHATTING
    assert port.receive(b"2")
    assert host.told == ["opening 1", "receive 2"]


def test_the_next_body_waits(host: NotingHost, port: DirectPort) -> None:
    """While an answer of the log is due, and while the session is behind."""
    port.session.phase = Phase.CHATTING
    host.is_busy_after = True
    assert not port.receive(b"1")
    assert port.is_waiting()
    port.session.busy = host.is_busy_after = False
    assert not port.is_waiting()
    port.move(PaceEvent.RETURNED)
    assert port.is_waiting()
    assert not port.receive(b"2")


@pytest.mark.parametrize("pace", [Pace.OPENING, Pace.LIVE, Pace.BEHIND])
def test_a_congested_connection_isnt_read(port: DirectPort, pace: Pace) -> None:
    """At any pace."""
    port.pace = pace
    port.connection.is_congested = True
    assert port.is_waiting()


@pytest.mark.parametrize("what", ["packets", "answers"])
def test_a_share_of_the_tick(host: NotingHost, port: DirectPort, what: str) -> None:
    """After so many packets, or so many bytes of answers, the next packet waits until the tick's outputs are taken."""
    port.session.phase = Phase.CHATTING
    port.begin_turn()
    for _ in range(SHARE - 1):
        port.begin_turn()
        assert port.receive(b"1")
    if what == "answers":
        port.renew_share(host.tick)
        port.session.owed = ANSWERS_MAX + 1
    assert not port.receive(b"2")
    assert port.connection.told == ["defer"]  # type: ignore[attr-defined]
    host.tick += 1
    port.begin_turn()
    assert port.receive(b"3")


def test_what_the_connection_reports(host: NotingHost, port: DirectPort) -> None:
    """Goes to the server."""
    port.broken("bad length")
    port.drop("slow", "no data was accepted")
    port.congested()
    port.relieved()
    port.lost()
    assert port.connection.told == ["stop reading", "proceed"]  # type: ignore[attr-defined]
    assert host.told == ["break: bad length", "drop slow: no data was accepted", "congested", "relieved", "end"]


def test_falling_behind(port: DirectPort, fanout: Fanout[Outlet]) -> None:
    """A live session hears nothing more and isn't read; it needs each ROOM afresh."""
    connection = port.connection
    assert isinstance(connection, KeptConnection)
    port.move(PaceEvent.OPENED)
    port.subscribe(fanout, TEA)
    assert port.to_catch_up() == []
    port.lag(fanout, 5)
    fanout.broadcast(TEA, encode(b"x"))
    fanout.flush()
    assert (port.pace, port.after, port.told, port.rooms) == (Pace.BEHIND, 5, None, ())
    assert (connection.bodies(), connection.told) == ([], [])
    assert port.to_catch_up() == [port]
    port.lag(fanout, 9)
    assert port.after == 5


@pytest.mark.parametrize("events", [[], [PaceEvent.RETURNED], [PaceEvent.ENDED]])
def test_only_a_live_session_falls_behind(port: DirectPort, fanout: Fanout[Outlet], events: list[PaceEvent]) -> None:
    """Before READY, in a replay and after its end it keeps its pace."""
    for event in events:
        port.move(event)
    pace = port.pace
    port.lag(fanout, 5)
    assert port.pace is pace
    assert port.connection.told == []  # type: ignore[attr-defined]
