"""A link by itself: numbers, packets that wait for a busy session, and its end; the rest is in `protocol`."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcp_server.delivery.link import Link, _Numbers
from tcp_server.delivery.link_port import INBOX_PACKETS
from tcp_server.delivery.port import SHARE
from tests.tcp_server.house import House, Peer, types


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.close()


@pytest.fixture
async def bridge(house: House) -> Peer:
    """A link with alice as session 1 and bob as session 2, both in the lobby."""
    bridge = house.connect()
    bridge.send("LINK", name="bridge")
    for session, nickname in ((1, "alice"), (2, "bob")):
        bridge.send("OPEN", session=session, address="x")
        bridge.send("NICK", session=session, nickname=nickname)
    await house.settle()
    bridge.take()
    return bridge


def link_of(bridge: Peer) -> Link:
    handler = bridge.connection.handler
    assert isinstance(handler, Link)
    return handler


async def test_a_busy_session_holds_up_nobody_else(house: House, bridge: Peer) -> None:
    """Its packets wait in order, the other's go on at once."""
    bridge.send("HISTORY", session=1, room="lobby", ref="1")
    bridge.send("PING", session=1, ref="2")
    bridge.send("SEARCH", session=1, query="x", ref="3")
    bridge.send("PING", session=1, ref="4")
    bridge.send("PING", session=2, ref="other")
    await house.settle()
    heard = [(packet["session"], packet["ref"]) for packet in bridge.take()]
    assert heard[0] == (2, "other")
    assert heard[1:] == [(1, "1"), (1, "2"), (1, "3"), (1, "4")]


async def test_a_busy_session_may_end(house: House, bridge: Peer) -> None:
    """What waited for it is forgotten, and counts no more."""
    bridge.send("HISTORY", session=1, room="lobby")
    bridge.send("MSG", session=1, room="lobby", message="too late")
    bridge.send("CLOSE", session=1)
    await house.settle()
    assert [packet["type"] for packet in bridge.take() if packet.get("session") == 1] == []
    assert link_of(bridge)._ports.keys() == {2}


async def test_too_much_for_a_busy_session(house: House, bridge: Peer) -> None:
    """All that comes then is refused until nothing waits; nobody else waits for it."""
    bridge.send("HISTORY", session=1, room="lobby")
    for number in range(INBOX_PACKETS + 10):
        bridge.send("PING", session=1, ref=str(number))
    bridge.send("PING", session=2, ref="other")
    assert not bridge.transport.is_paused
    await house.settle()
    heard = bridge.take()
    refused = [packet for packet in heard if packet["type"] == "ERROR"]
    assert [packet["ref"] for packet in refused] == [str(INBOX_PACKETS + number) for number in range(10)]
    for packet in refused:
        assert (packet["session"], packet["code"], packet["what"]) == (1, "rate_limited", "queue")
        assert packet["retry_after"] > 0
    pongs = [(packet["session"], packet["ref"]) for packet in heard if packet["type"] == "PONG"]
    assert pongs == [(2, "other"), *[(1, str(number)) for number in range(INBOX_PACKETS)]]
    bridge.send("PING", session=1, ref="again")
    await house.settle()
    assert types(bridge.take()) == ["PONG"]


async def test_a_flood_of_one_session(house: House, bridge: Peer) -> None:
    """Has its share of a tick; what the others send goes on at once, and nothing is out of order."""
    for number in range(SHARE + 50):
        bridge.send("PING", session=1, ref=str(number))
    bridge.send("MSG", session=2, room="lobby", message="x")
    house.server._end_tick()
    heard = bridge.take()
    assert types(heard) == ["PONG"] * SHARE + ["MSG"]
    await house.settle()
    pongs = [packet for packet in heard + bridge.take() if packet["type"] == "PONG"]
    assert [packet["ref"] for packet in pongs] == [str(number) for number in range(SHARE + 50)]


async def test_the_end_of_a_link(house: House, bridge: Peer) -> None:
    """Nobody hears a room through it any more, and nothing of it is left."""
    link = link_of(bridge)
    bridge.cut()
    await house.settle()
    link.lost()
    link.broken("again")
    await house.settle()
    assert (link.ports, link.rooms) == ([], [])
    assert house.server._connections == {}
    assert house.server._fanout._listeners == {}


@given(st.lists(st.integers(1, 40)))
def test_numbers_remember_what_was_used(numbers: list[int]) -> None:
    """Exactly that, and keep little of it."""
    used = _Numbers()
    for number in numbers:
        used.add(number)
    assert {number for number in range(1, 50) if number in used} == set(numbers)
    whole = _Numbers()
    for number in range(1, 1000):
        whole.add(number)
    assert len(whole._above) == 0
