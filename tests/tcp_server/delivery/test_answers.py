"""Answers from the log: what HISTORY and SEARCH ask of it, and the body that goes out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcp_server.chat.state import Room, User
from tcp_server.delivery.answers import _millis, page_query, search_query
from tcp_server.log.interface import PageQuery, SearchQuery, Viewer
from tcp_server.protocol import client_packets
from tests.tcp_server.client import Packet, pack
from tests.tcp_server.house import House, Peer


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.close()


@pytest.fixture
async def alice(house: House) -> Peer:
    """She has said two things in Tea and one to bob."""
    await house.enter("bob")
    alice = await house.enter("alice", rooms=["Tea"])
    for text in ("one tea", '"messages":[] tea'):
        alice.send("MSG", room="Tea", message=text)
    alice.send("MSG", to="bob", message="direct")
    await house.settle()
    alice.take()
    return alice


async def ask(house: House, peer: Peer, type: str, **fields: Any) -> Packet:
    peer.send(type, **fields)
    await house.settle()
    (answer,) = peer.take()
    assert answer["type"] == type, answer
    return answer


async def test_history_of_a_room(house: House, alice: Peer) -> None:
    """The room as it is shown, the messages whole."""
    answer = await ask(house, alice, "HISTORY", room="#TEA", ref="r")
    assert (answer["room"], answer["more"], answer["ref"]) == ("Tea", False, "r")
    assert [(message["type"], message["id"]) for message in answer["messages"]] == [("MSG", 1), ("MSG", 2)]
    assert "to" not in answer


async def test_history_of_a_user(house: House, alice: Peer) -> None:
    """`to` as it was asked."""
    answer = await ask(house, alice, "HISTORY", to="BOB")
    assert (answer["to"], [message["id"] for message in answer["messages"]]) == ("BOB", [3])
    assert "room" not in answer


@pytest.mark.parametrize(("query", "hits"), [("tea", 2), ('"messages":[]', 1), ('","messages":[]', 0), ("MESSAGES", 1)])
async def test_search_repeats_its_query(house: House, alice: Peer, query: str, hits: int) -> None:
    """As it was sent, with any characters."""
    answer = await ask(house, alice, "SEARCH", query=query, ref='"messages":[]')
    assert (answer["query"], answer["ref"], len(answer["messages"])) == (query, '"messages":[]', hits)


async def test_nothing_is_shown_before_it_was_sent_to_all(house: House, alice: Peer) -> None:
    """The log may be ahead of delivery."""
    house.server._delivery.newest = 1
    history = await ask(house, alice, "HISTORY", room="Tea")
    found = await ask(house, alice, "SEARCH", query="tea")
    assert [message["id"] for message in history["messages"] + found["messages"]] == [1, 1]


def test_what_history_asks() -> None:
    """A room by its key, a user by the folded nickname."""
    request = client_packets.parse(pack("HISTORY", {"room": "#TEA", "before": 9, "limit": 3}))
    assert isinstance(request, client_packets.History)
    assert page_query(request, 7, None, 99) == PageQuery(room="tea", uid=7, before=9, limit=3, through=99)
    request = client_packets.parse(pack("HISTORY", {"to": "Zoë", "after": 0}))
    assert isinstance(request, client_packets.History)
    assert page_query(request, 7, 8, 99) == PageQuery(uid=7, peer=8, nickname="zoë", after=0, limit=50, through=99)


def test_what_search_asks() -> None:
    """Folded words, times in milliseconds; without a room, all that the user may read."""
    user = User(7, "alice", "alice")
    user.rooms = [Room("tea", "Tea"), Room("milk", "milk")]
    request = client_packets.parse(pack("SEARCH", {"query": " Straße  TEA ", "limit": 3}))
    assert isinstance(request, client_packets.Search)
    everywhere = Viewer(7, ("tea", "milk"))
    assert search_query(request, user, 99) == SearchQuery(everywhere, ("strasse", "tea"), True, 99, limit=3)
    fields = {"query": "x", "room": "#Milk", "from": "BOB", "since": "1970-01-01T00:00:01Z", "before": 5}
    request = client_packets.parse(pack("SEARCH", fields))
    assert isinstance(request, client_packets.Search)
    there = Viewer(7, ("milk",))
    expected = SearchQuery(there, ("x",), False, 99, sender="bob", since=1000, before=5, limit=request.limit)
    assert search_query(request, user, 99) == expected


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_times_are_whole_milliseconds(time: datetime) -> None:
    """The first one that is not before the time, exactly."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    millis = _millis(time)
    assert epoch + timedelta(milliseconds=millis) >= time > epoch + timedelta(milliseconds=millis - 1)


def test_every_millisecond_of_a_day() -> None:
    """None is off by one."""
    start = datetime(2026, 11, 22, tzinfo=UTC)
    first = 1_795_305_600_000
    for number in range(0, 86_400_000, 997):
        assert _millis(start + timedelta(milliseconds=number)) == first + number


async def test_a_search_whose_asker_leaves(house: House, alice: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is given up."""
    given_up: list[bool] = []
    monkeypatch.setattr(house.log, "search", lambda *_: lambda: given_up.append(True))
    alice.send("SEARCH", query="tea")
    await house.settle()
    assert given_up == []
    alice.cut()
    await house.settle()
    assert given_up == [True]
    assert house.server._delivery._answers._searches == {}


async def test_a_search_that_goes_on(house: House, alice: Peer) -> None:
    """`before` says where the next page begins, and is there only if there is one."""
    first = await ask(house, alice, "SEARCH", query="tea", limit=1)
    assert ([message["id"] for message in first["messages"]], first["more"], first["before"]) == ([2], True, 2)
    last = await ask(house, alice, "SEARCH", query="tea", limit=1, before=first["before"])
    assert ([message["id"] for message in last["messages"]], last["more"]) == ([1], False)
    assert "before" not in last
