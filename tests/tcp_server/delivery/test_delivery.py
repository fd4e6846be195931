"""Delivery by values: a session that is behind is sent nothing, and is caught up in full; alone, or on a link."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.tcp_server.client import Packet
from tests.tcp_server.house import House, Peer, message_ids, token, types


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.close()


async def behind(house: House) -> tuple[Peer, Peer]:
    """Return alice, and bob, whose connection takes no more bytes."""
    alice, bob = await house.enter("alice"), await house.enter("bob")
    alice.take()
    bob.congest()
    alice.send("MSG", room="lobby", message="first behind")
    await house.settle()
    return alice, bob


async def test_who_takes_no_more_is_sent_no_more(house: House) -> None:
    """Not even what isn't logged; and isn't read."""
    alice, bob = await behind(house)
    alice.send("TYPING", room="lobby")
    alice.send("TYPING", to="bob")
    alice.send("TOPIC", room="lobby", topic="new")
    alice.send("MSG", to="bob", message="direct")
    bob.send("PING", ref="p")
    await house.settle()
    assert bob.take() == []
    assert bob.transport.is_paused
    bob.relieve()
    await house.settle()
    heard = bob.take()
    assert types(heard) == ["MSG", "MSG", "ROOM", "PONG"]
    assert (heard[2]["topic"], heard[2]["id"], heard[3]["id"]) == ("new", 1, 2)
    assert not bob.transport.is_paused


@pytest.mark.parametrize("type", ["MSG", "JOIN", "LEAVE", "TOPIC", "NICK", "USERS", "HISTORY", "PING", "BYE"])
async def test_no_direct_answer_is_skipped(house: House, type: str) -> None:
    """A session that is congested right after asking gets the answer, with its `ref`, later."""
    alice, bob = await house.enter("alice"), await house.enter("bob")
    alice.take()
    room = "tea" if type == "JOIN" else "lobby"
    bob.send(type, room=room, message="x", topic="x", nickname="rob", ref="asked")
    bob.congest()
    await house.settle()
    bob.relieve()
    await house.settle()
    answer = {"JOIN": "ROOM", "NICK": "READY", "PING": "PONG"}.get(type, type)
    assert [packet["type"] for packet in bob.take() if packet.get("ref") == "asked"] == [answer]


async def test_congested_again_during_the_replay(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on from where it stopped."""
    monkeypatch.setattr("tcp_server.delivery.replays.PAGE", 10)
    alice, bob = await behind(house)
    for number in range(95):
        alice.send("MSG", room="lobby", message=str(number))
    await house.settle()
    real = bob.transport.write
    pages: list[int] = []

    def write(data: bytes) -> None:
        pages.append(len(data))
        real(data)
        bob.congest()

    bob.transport.write = write  # type: ignore[method-assign]
    while bob.connection.is_congested:
        bob.relieve()
        await house.settle()
        if len(pages) > 8:
            bob.transport.write = real  # type: ignore[method-assign]
    assert message_ids(bob.take()) == list(range(1, 97))
    assert len(pages) > 8


async def test_leaving_and_joining_elsewhere_meanwhile(house: House) -> None:
    """A second session of the same user changes the rooms; the one behind finds them as they are."""
    alice, bob = await behind(house)
    second = await house.enter("bob", token=token(house, "bob"))
    second.send("JOIN", room="tea")
    second.send("MSG", room="tea", message="in tea")
    second.send("LEAVE", room="lobby")
    alice.send("MSG", room="lobby", message="bob has left")
    await house.settle()
    bob.relieve()
    await house.settle()
    heard = bob.take()
    assert [packet["message"] for packet in heard if packet["type"] == "MSG"] == ["in tea"]
    assert {packet["room"] for packet in heard if packet["type"] == "ROOM"} == {"tea"}
    second.send("MSG", room="tea", message="live")
    alice.send("MSG", room="lobby", message="not for bob")
    await house.settle()
    assert [packet["message"] for packet in bob.take()] == ["live"]


async def test_who_joins_the_same_room_afterwards(house: House) -> None:
    """Whichever ROOM comes last, it has them too: nobody told the one behind of them."""
    alice, bob = await behind(house)
    bridge = await linked(house, "carol")
    bridge.send("PAUSE", session=1)
    for nickname, room in (("bob", "tea"), ("carol", "milk")):
        second = await house.enter(nickname, token=token(house, nickname))
        second.send("JOIN", room=room)
        alice.send("JOIN", room=room)
        await house.settle()
    bob.relieve()
    bridge.send("RESUME", session=1, after=0)
    await house.settle()
    for heard, nickname, room in ((bob.take(), "bob", "tea"), (of(bridge.take(), 1), "carol", "milk")):
        told = [packet["users"] for packet in heard if packet["type"] == "ROOM" and packet["room"] == room]
        assert told
        assert all(users == ["alice", nickname] for users in told)


async def test_ending_while_behind(house: House) -> None:
    """Cut or given up: nothing is left of it."""
    alice, bob = await behind(house)
    bob.connection.handler.drop("slow", "no data was accepted")
    await house.settle()
    assert types(bob.take()) == ["BYE"]
    alice.send("MSG", room="lobby", message="x")
    await house.settle()
    assert house.server._replays._congested == {}
    assert bob.take() == []


async def test_memory_of_who_is_behind_is_bounded(house: House) -> None:
    """A cursor, not a queue: nothing is kept for it however much is said."""
    alice, bob = await behind(house)
    port = bob.connection.handler
    for number in range(300):
        alice.send("MSG", room="lobby", message=str(number))
        alice.send("TYPING", to="bob")
        alice.send("TOPIC", room="lobby", topic=str(number))
    await house.settle()
    assert port.postponed is None  # type: ignore[attr-defined]
    assert port.rooms == ()  # type: ignore[attr-defined]
    bob.relieve()
    await house.settle()
    assert message_ids(bob.take()) == list(range(1, 302))


# A link


async def linked(house: House, *nicknames: str, **fields: Any) -> Peer:
    """A bridge with a session for each nickname, 1 and up, with nothing left to read."""
    bridge = house.connect()
    bridge.send("LINK", name="bridge")
    for session, nickname in enumerate(nicknames, 1):
        bridge.send("OPEN", session=session, address="x")
        bridge.send("NICK", session=session, nickname=nickname, **fields)
    await house.settle()
    assert types(bridge.take()).count("READY") == len(nicknames) + 1
    return bridge


def of(packets: list[Packet], session: int | None) -> list[Packet]:
    return [packet for packet in packets if packet.get("session") == session]


async def test_a_link_that_takes_no_more(house: House) -> None:
    """A room's message crosses once when it is caught up; then a ROOM for each, and what had to wait."""
    alice = await house.enter("alice")
    bridge = await linked(house, "bob", "carol")
    alice.take()
    bridge.congest()
    alice.send("MSG", room="lobby", message="1")
    await house.settle()
    alice.send("TOPIC", room="lobby", topic="new")
    alice.send("TYPING", to="bob")
    alice.send("MSG", to="carol", message="2")
    bridge.send("PING", session=1, ref="p")
    bridge.send("PING", ref="link")
    await house.settle()
    assert bridge.take() == []
    assert bridge.transport.is_paused
    bridge.relieve()
    await house.settle()
    heard = bridge.take()
    order = [(packet.get("session"), packet["type"]) for packet in heard]
    assert order[:3] == [(None, "MSG"), (2, "MSG"), (None, "ROOM")]
    assert set(order[3:]) == {(1, "PONG"), (None, "PONG")}
    assert heard[2]["topic"] == "new"
    assert of(heard, 1)[0]["id"] == 2
    alice.send("MSG", room="lobby", message="3")
    await house.settle()
    assert message_ids(bridge.take()) == [3]


async def test_a_session_that_opens_on_a_lagging_link(house: House) -> None:
    """Its subscription and its first ROOM wait for the end of the replay; nothing is missed and nothing doubled."""
    alice = await house.enter("alice")
    bridge = await linked(house, "bob")
    alice.take()
    bridge.transport.feed(b"")
    bridge.send("OPEN", session=2, address="x")
    bridge.send("NICK", session=2, nickname="carol")
    bridge.congest()  # before the answer
    alice.send("MSG", room="lobby", message="1")
    await house.settle()
    assert bridge.take() == []
    bridge.relieve()
    await house.settle()
    heard = bridge.take()
    assert types(of(heard, 2)) == ["HELLO", "READY", "SUBSCRIBE", "ROOM"]
    alice.send("MSG", room="lobby", message="2")
    alice.send("MSG", to="carol", message="3")
    await house.settle()
    assert [(packet.get("session"), packet["id"]) for packet in bridge.take()] == [(None, 2), (2, 3)]


async def test_a_session_that_resumes_on_a_lagging_link(house: House) -> None:
    """First the link comes up, then the session is caught up alone."""
    alice = await house.enter("alice")
    bob = await house.enter("bob")
    ticket = token(house, "bob")
    bob.cut()
    alice.send("MSG", room="lobby", message="missed")
    bridge = await linked(house, "carol")
    bridge.send("OPEN", session=2, address="x")
    bridge.send("NICK", session=2, nickname="bob", token=ticket, after=0)
    bridge.congest()
    alice.send("MSG", room="lobby", message="while it lags")
    await house.settle()
    bridge.relieve()
    await house.settle()
    mine = of(bridge.take(), 2)
    assert message_ids(mine) == [1, 2]
    assert types(mine)[-1] == "SUBSCRIBE"


async def test_rooms_change_while_a_link_lags(house: House) -> None:
    """The session whose rooms change is caught up alone: not in the room it left, whole in the one it joined."""
    alice = await house.enter("alice", rooms=["lobby", "tea"])
    bridge = await linked(house, "bob", "carol")
    second = await house.enter("bob", token=token(house, "bob"))
    bridge.congest()
    alice.send("MSG", room="lobby", message="1")
    await house.settle()
    second.send("JOIN", room="tea")
    second.send("LEAVE", room="lobby")
    alice.send("MSG", room="tea", message="2")
    alice.send("MSG", room="lobby", message="3")
    await house.settle()
    bridge.relieve()
    await house.settle()
    heard = bridge.take()
    assert [packet["message"] for packet in of(heard, None) if packet["type"] == "MSG"] == ["1", "3"]
    mine = of(heard, 1)
    assert [packet["message"] for packet in mine if packet["type"] == "MSG"][-1] == "2"
    assert [packet["room"] for packet in mine if packet["type"] in ("UNSUBSCRIBE", "SUBSCRIBE")] == ["lobby", "tea"]
    alice.send("MSG", room="tea", message="4")
    alice.send("MSG", room="lobby", message="5")
    await house.settle()
    assert [packet["message"] for packet in bridge.take()] == ["4", "5"]


async def test_a_lagging_link_that_ends(house: House) -> None:
    """In the middle of a replay."""
    alice = await house.enter("alice")
    bridge = await linked(house, "bob")
    bridge.congest()
    alice.send("MSG", room="lobby", message="1")
    await house.settle()
    bridge.relieve()
    bridge.cut()
    await house.settle()
    alice.send("MSG", room="lobby", message="2")
    await house.settle()
    assert message_ids(alice.take()) == [1, 2]
    assert house.server._replays._congested == {}
    assert list(house.server._connections) == [alice.connection]


async def test_a_paused_session_on_a_lagging_link(house: House) -> None:
    """PAUSE comes when the link is read again; its RESUME brings what the link's replay did not."""
    alice = await house.enter("alice")
    bridge = await linked(house, "bob", "carol")
    bridge.send("PAUSE", session=1)
    await house.settle()
    bridge.congest()
    alice.send("MSG", room="lobby", message="1")
    await house.settle()
    bridge.send("RESUME", session=1, after=0)
    await house.settle()
    bridge.relieve()
    await house.settle()
    heard = bridge.take()
    assert message_ids(of(heard, None)) == [1]
    assert types(of(heard, 1)) == ["RESUME", "MSG", "SUBSCRIBE", "ROOM"]


@pytest.mark.parametrize("when", ["before NICK", "with NICK"])
async def test_a_pause_before_ready(house: House, when: str) -> None:
    """It holds when the session has gone live: no MSG until RESUME."""
    alice = await house.enter("alice")
    bridge = house.connect()
    bridge.send("LINK", name="bridge")
    bridge.send("OPEN", session=1, address="x")
    if when == "before NICK":
        await house.settle()
    bridge.send("PAUSE", session=1)
    bridge.send("NICK", session=1, nickname="bob")
    await house.settle()
    bridge.take()
    alice.send("MSG", room="lobby", message="1")
    await house.settle()
    assert message_ids(bridge.take()) == []
    bridge.send("RESUME", session=1, after=0)
    await house.settle()
    assert message_ids(of(bridge.take(), 1)) == [1]
    alice.send("MSG", room="lobby", message="2")
    await house.settle()
    assert message_ids(bridge.take()) == [2]
