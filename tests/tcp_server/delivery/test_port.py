"""A port by itself: what it postpones, which rooms it hears, and what is due when it has caught up."""

import pytest

from tcp_server.chat.outputs import Send, StartHearing, StopHearing
from tcp_server.chat.state import Room
from tcp_server.delivery.fanout import Fanout
from tcp_server.delivery.pace import Pace, PaceEvent
from tcp_server.delivery.port import Port
from tcp_server.net.outlet import Outlet
from tcp_server.wordpacket import encode
from tests.tcp_server.delivery.ports import KeptConnection, chatting, make_fanout

TEA, MILK = Room("tea", "Tea"), Room("milk", "milk")


@pytest.fixture
def connection() -> KeptConnection:
    return KeptConnection()


@pytest.fixture
def fanout() -> Fanout[Outlet]:
    return make_fanout()


@pytest.fixture
def port(connection: KeptConnection) -> Port:
    port = Port(connection)  # type: ignore[arg-type]
    chatting(port)
    return port


def hears(port: Port, connection: KeptConnection, fanout: Fanout[Outlet]) -> list[str]:
    """Return the rooms that the connection hears."""
    for room in (TEA, MILK):
        fanout.broadcast(room, encode(room.key.encode()))
    fanout.flush()
    return connection.bodies()


def test_a_body_goes_to_the_connection(port: Port, connection: KeptConnection, fanout: Fanout[Outlet]) -> None:
    """Framed, with the tick's end."""
    port.send(fanout, b"{}")
    assert connection.writes == []
    fanout.flush()
    assert connection.bodies() == ["{}"]


@pytest.mark.parametrize("events", [[], [PaceEvent.OPENED]])
def test_rooms_change_at_once(
    port: Port, connection: KeptConnection, fanout: Fanout[Outlet], events: list[PaceEvent]
) -> None:
    """Before READY is out, and when live."""
    for event in events:
        port.move(event)
    for room in (TEA, MILK):
        port.change_rooms(fanout, StartHearing(port.session, room))
    port.change_rooms(fanout, StopHearing(port.session, TEA))
    assert port.rooms == (MILK,)
    assert hears(port, connection, fanout) == ["milk"]


def test_a_port_that_is_behind_learns_of_its_rooms_later(
    port: Port, connection: KeptConnection, fanout: Fanout[Outlet]
) -> None:
    """It hears those that the session has when it has caught up."""
    port.return_behind(3, [])
    port.change_rooms(fanout, StartHearing(port.session, TEA))
    assert port.is_behind
    assert hears(port, connection, fanout) == []
    port.catch_up(fanout, (MILK,))
    assert not port.is_behind
    assert hears(port, connection, fanout) == ["milk"]


def test_what_is_due_after_a_return(port: Port, fanout: Fanout[Outlet]) -> None:
    """The postponed answers, once, and a ROOM for those that were told something meanwhile."""
    tea, milk, new = Room("tea", "tea"), Room("milk", "milk"), Room("new", "new")
    port.return_behind(3, [tea, milk])
    answer = Send(port.session, b"{}")
    port.postpone(answer)
    milk.told += 1
    assert port.catch_up(fanout, (tea, milk, new)) == ([milk, new], [answer])
    assert port.postponed is None


def test_the_end(port: Port, connection: KeptConnection, fanout: Fanout[Outlet]) -> None:
    """The last body, then nothing: no rooms, and no second end."""
    port.move(PaceEvent.OPENED)
    port.subscribe(fanout, TEA)
    port.close(fanout, b"bye")
    assert (port.pace, connection.bodies(), connection.told) == (Pace.CLOSED, ["bye"], ["close"])
    assert hears(port, connection, fanout) == []
    with pytest.raises(AssertionError, match="CLOSED can't be told ENDED"):
        port.close(fanout, b"")


def test_an_end_without_a_word(port: Port, connection: KeptConnection, fanout: Fanout[Outlet]) -> None:
    """As after a broken connection."""
    port.close(fanout, b"")
    assert (connection.bodies(), connection.told) == ([], ["close"])
