"""PROTOCOL.md section 4, held against a running server: ROOMS and USERS, in pages."""

import pytest

from tcp_server.protocol.names import fold
from tests.tcp_server.client import Client
from tests.tcp_server.conftest import Connect, Meet


def test_rooms_shows_rooms_with_members(meet: Meet, connect: Connect, room: str) -> None:
    """With topic and count, whether one is in them or not."""
    alice, _ = meet("alice", "bob")
    alice.ask("TOPIC", room=room, topic="tea")
    stranger = connect("stranger", rooms=[])
    rooms = stranger.ask("ROOMS")
    assert {"room": room, "topic": "tea", "count": 2} in rooms["rooms"]
    assert rooms["more"] is False


def test_rooms_are_sorted_by_their_folded_names(connect: Connect, room: str) -> None:
    """By code points, not by the length of their UTF-8 or UTF-16; `after` is exclusive and need not exist."""
    endings = ["Zoë", "a", "B", "é", "ｃ", "\U00010400", "小", "\ufb00", "_", "|"]
    names = [f"{room}{ending}" for ending in endings]
    alice = connect("alice", rooms=names)
    expected = sorted(names, key=fold)
    listed = alice.ask("ROOMS", after=room)
    assert [entry["room"] for entry in listed["rooms"]][: len(names)] == expected
    for number, name in enumerate(expected):
        after = alice.ask("ROOMS", after=f"#{name.upper()}" if number % 2 else name)
        assert [entry["room"] for entry in after["rooms"]][: len(names) - number - 1] == expected[number + 1 :]
    between = alice.ask("ROOMS", after=f"{room}azzz")
    assert between["rooms"][0]["room"] == f"{room}B"


def test_rooms_come_in_pages_of_200(connect: Connect, room: str) -> None:
    """Paging by the last name of each shows each once."""
    names = [f"{room}-{number:03}" for number in range(250)]
    crowd = [connect(f"guest{start}", rooms=names[start : start + 50]) for start in range(0, 250, 50)]
    seen: list[str] = []
    pages = 0
    more = True
    after = f"{room}-"
    while more:
        page = crowd[0].ask("ROOMS", after=after)
        assert len(page["rooms"]) <= 200
        seen += [entry["room"] for entry in page["rooms"]]
        after, more, pages = seen[-1], page["more"], pages + 1
    assert [name for name in seen if name.startswith(f"{room}-")] == names
    assert pages == 2


def test_rooms_come_in_pages_of_one_packet(connect: Connect, room: str) -> None:
    """Long names and topics make a page end before 200."""
    names = [f"{'𝒛' * 50}{room}{number:03}" for number in range(100)]
    for start in (0, 50):
        client = connect(f"guest{start}", rooms=names[start : start + 50])
        for name in client.ready["rooms"]:
            client.send("TOPIC", room=name, topic='"' * 300)
        client.sync()
    page = client.ask("ROOMS", after="y")
    assert 0 < len(page["rooms"]) < 100
    assert page["more"] is True
    rest = client.ask("ROOMS", after=page["rooms"][-1]["room"])
    assert rest["rooms"]
    listed = [entry["room"] for entry in [*page["rooms"], *rest["rooms"]]]
    assert listed[:50] == sorted(names, key=fold)[:50]


def test_users_are_sorted_and_paged(meet: Meet, room: str) -> None:
    """As rooms are."""
    clients = meet("Zoë", "alice", "Bob", "é", "小林", "_x")
    expected = sorted(["Zoë", "alice", "Bob", "é", "小林", "_x"], key=fold)
    users = clients[0].ask("USERS", room=room)
    assert (users["users"], users["count"], users["more"]) == (expected, 6, False)
    for number, name in enumerate(expected):
        after = clients[0].ask("USERS", room=room, after=name.upper())
        assert (after["users"], after["count"], after["more"]) == (expected[number + 1 :], 6, False)
    assert clients[0].ask("USERS", room=room, after="azzz")["users"] == expected[expected.index("Bob") :]


@pytest.mark.parametrize("after", ["x" * 60_000, "two words", "\u200b", "", "#", "\U0010ffff"])
def test_after_need_not_be_a_name(connect: Connect, bystander: Client, after: str) -> None:
    """A cursor is only compared."""
    alice = connect("alice")
    assert alice.ask("ROOMS", after=after)["type"] in ("ROOMS", "ERROR")
    assert alice.ask("USERS", room="lobby", after=after)["type"] in ("USERS", "ERROR")
    assert alice.sync() == []
