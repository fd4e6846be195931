"""Answers from the log, as bodies for the wire."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcp_server.log.answers import _millis, answer
from tcp_server.log.readings import Reader
from tcp_server.protocol import client_packets
from tests.tcp_server.client import pack
from tests.tcp_server.logbook import Logbook


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Logbook]:
    book = Logbook(tmp_path)
    book.user("alice")
    book.say("one tea", '"messages":[] tea', room="Tea")
    book.say("direct", to="bob")
    yield book
    book.close()


def ask(book: Logbook, type: str, through: int = 99, **fields: Any) -> dict[str, Any]:
    request = client_packets.parse(pack(type, fields))
    assert isinstance(request, client_packets.History | client_packets.Search)
    search = book.search()
    room = None if "room" not in fields else "Tea"
    body = answer(request, Reader(1, ("tea",)), room, through, search)
    search._database.close()
    packet = json.loads(body)
    assert isinstance(packet, dict)
    return packet


def test_history_of_a_room(book: Logbook) -> None:
    """The room as it is shown, the messages whole."""
    answer = ask(book, "HISTORY", room="#TEA", ref="r")
    assert {key: answer[key] for key in ("type", "room", "more", "ref")} == {
        "type": "HISTORY", "room": "Tea", "more": False, "ref": "r",
    }  # fmt: skip
    assert [(message["type"], message["id"]) for message in answer["messages"]] == [("MSG", 1), ("MSG", 2)]
    assert "to" not in answer


def test_history_of_a_user(book: Logbook) -> None:
    """`to` as it was asked."""
    answer = ask(book, "HISTORY", to="BOB")
    assert (answer["to"], [message["id"] for message in answer["messages"]]) == ("BOB", [3])
    assert "room" not in answer


@pytest.mark.parametrize("query", ["tea", '"messages":[]', '","messages":[]', "MESSAGES"])
def test_search_repeats_its_query(book: Logbook, query: str) -> None:
    """Whatever the query is."""
    answer = ask(book, "SEARCH", query=query, ref='"messages":[]')
    assert (answer["query"], answer["ref"]) == (query, '"messages":[]')
    assert len(answer["messages"]) == {"tea": 2, '"messages":[]': 1, "MESSAGES": 1}.get(query, 0)


def test_nothing_over_through_is_shown(book: Logbook) -> None:
    """Nobody reads a message before it was sent to all."""
    assert [message["id"] for message in ask(book, "HISTORY", through=1, room="tea")["messages"]] == [1]
    assert [message["id"] for message in ask(book, "SEARCH", through=1, query="tea")["messages"]] == [1]


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
