"""PROTOCOL.md section 4, held against a running server: rooms of more than 200 members."""

from collections.abc import Iterator

import pytest

from tests.tcp_server.client import Client
from tests.tcp_server.conftest import Connect
from tests.tcp_server.process import ServerProcess

CROWD = 230  # members of the big room; a few more than 200


@pytest.fixture(scope="module")
def crowd(server: ServerProcess) -> Iterator[list[Client]]:
    """230 users in a room; two rooms of the same users."""
    clients = [Client(server.port) for _ in range(CROWD)]
    for number, client in enumerate(clients):
        client.greet()
        client.open(f"guest{number:03}", rooms=["arena"])
    for client in clients:
        client.sync()
    yield clients
    for client in clients:
        client.leave()


def test_the_room_of_a_big_room_lists_200(crowd: list[Client], connect: Connect) -> None:
    """The count is the whole; USERS pages through them all."""
    alice = connect("zacharias", rooms=["arena"])
    names = [f"guest{number:03}" for number in range(CROWD)] + ["zacharias"]
    assert alice.rooms[0]["count"] == CROWD + 1
    assert alice.rooms[0]["users"] == names[:200]
    page = alice.ask("USERS", room="arena")
    assert (page["users"], page["count"], page["more"]) == (names[:200], CROWD + 1, True)
    page = alice.ask("USERS", room="arena", after=page["users"][-1])
    assert (page["users"], page["count"], page["more"]) == (names[200:], CROWD + 1, False)


def test_comings_and_goings_in_a_big_room_are_counted(crowd: list[Client], connect: Connect) -> None:
    """JOIN and LEAVE go to the one that they are about; members get ROOM with a count, at most once a second."""
    alice = connect("alice", rooms=[])
    for _ in range(3):
        alice.send("JOIN", room="arena")
        alice.expect("JOIN", room="arena", nickname="alice")
        alice.expect("ROOM", room="arena", count=CROWD + 1)
        alice.send("LEAVE", room="arena", ref="r")
        alice.expect("LEAVE", room="arena", nickname="alice", ref="r")
    member = crowd[7]
    while (packet := member.read()) != {"type": "ROOM", "room": "arena", "count": CROWD}:
        assert packet["type"] not in ("JOIN", "LEAVE")
    assert [packet for packet in member.sync() if packet["type"] in ("JOIN", "LEAVE")] == []


def test_messages_and_topics_reach_all_of_a_big_room(crowd: list[Client]) -> None:
    """So do new nicknames."""
    said = crowd[0].say("hello, all", "arena")
    crowd[1].ask("TOPIC", room="arena", topic="crowded")
    crowd[2].ready = crowd[2].ask("NICK", nickname="guest002a")
    for client in (crowd[3], crowd[-1]):
        assert client.find("MSG") == said
        client.find("TOPIC", topic="crowded")
        client.find("NICK", old="guest002", nickname="guest002a")
    crowd[2].ready = crowd[2].ask("NICK", nickname="guest002")
