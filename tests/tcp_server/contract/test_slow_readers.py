"""PROTOCOL.md section 5, held against a running server: a slow reader is a cursor, not a queue."""

import socket
from collections.abc import Callable

import pytest

from tests.tcp_server.client import Client, Packet, fresh_ref
from tests.tcp_server.conftest import Meet
from tests.tcp_server.process import ServerProcess

LONG = "x" * 8000
MANY = 600  # of these are 4.8 MB, more than all buffers on the way to a slow reader hold


Lag = Callable[[str], Client]


@pytest.fixture
def lag(server: ServerProcess, clients: list[Client], room: str) -> Lag:
    """Open connections in the test's room whose kernel buffers little for them."""

    def lag(nickname: str) -> Client:
        client = Client(server.port, lags=True)
        clients.append(client)
        client.greet()
        client.open(nickname, rooms=[room])
        return client

    return lag


def test_a_slow_reader_is_caught_up_in_order(meet: Meet, lag: Lag, room: str) -> None:
    """It gets everything from the log once it drains, and never slows the others."""
    (alice,) = meet("alice")
    reader = lag("reader")
    ids = []
    for number in range(MANY):
        echo = alice.say(f"{number} {LONG[:7900]}", room)
        ids.append(echo["id"])
        if number == 300:
            ids.append(alice.ask("MSG", to="reader", message="direct")["id"])
    got = _drain(reader, ids[-1])
    assert [packet["id"] for packet in got if packet["type"] == "MSG"] == ids
    live = alice.say("live", room)
    assert reader.find("MSG") == live


def test_a_slow_reader_finds_its_rooms_as_they_are(meet: Meet, lag: Lag, room: str) -> None:
    """What isn't logged may be skipped for it; fresh ROOMs follow the replay."""
    (alice,) = meet("alice")
    reader = lag("reader")
    for _ in range(MANY):
        newest = alice.say(LONG, room)["id"]
    alice.ask("TOPIC", room=room, topic="changed meanwhile")
    alice.ready = alice.ask("NICK", nickname="alicia")
    rest = _drain(reader, newest)
    state = reader.find("ROOM", room=room)
    assert (state["topic"], state["users"], state["id"]) == ("changed meanwhile", ["alicia", "reader"], newest)
    assert {packet["type"] for packet in rest} <= {"JOIN", "MSG", "ROOM"}  # ROOM: a moment in which it kept up


def test_no_direct_answer_is_skipped_for_a_slow_reader(meet: Meet, lag: Lag, room: str) -> None:
    """Its own packets wait while it lags, and are answered in order."""
    (alice,) = meet("alice")
    reader = lag("reader")
    for number in range(300):
        alice.say(LONG, room)
        reader.send("MSG", room=room, message=f"mine {number}", ref=(fresh_ref()))
        reader.send("USERS", room=room, ref=f"u{number}")
        reader.send("HISTORY", room=room, limit=1, ref=f"h{number}")
    alice.say(LONG, room)
    reader.send("PING", ref="the end")
    packets = []
    while (packet := reader.read()).get("ref") != "the end":
        packets.append(packet)
    mine = [packet["message"] for packet in packets if packet["type"] == "MSG" and packet["nickname"] == "reader"]
    assert mine == [f"mine {number}" for number in range(300)]
    answers = [packet["ref"] for packet in packets if packet["type"] in ("USERS", "HISTORY")]
    assert answers == [f"{kind}{number}" for number in range(300) for kind in "uh"]
    ids = [packet["id"] for packet in packets if packet["type"] == "MSG"]
    assert ids == sorted(set(ids))


def test_many_slow_readers_dont_slow_the_others(meet: Meet, lag: Lag, room: str) -> None:
    """Twenty that read nothing, and each echo still comes; afterwards each gets all."""
    alice, bob = meet("alice", "bob")
    readers = [lag(f"reader{number}") for number in range(20)]
    alice.sync()
    bob.sync()
    ids = [alice.say(LONG, room)["id"] for _ in range(MANY)]
    assert [bob.find("MSG")["id"] for _ in ids] == ids
    for reader in readers:
        assert [packet["id"] for packet in _drain(reader, ids[-1]) if packet["type"] == "MSG"] == ids


def test_a_slow_reader_may_leave(meet: Meet, lag: Lag, room: str) -> None:
    """Cut off in the middle of the replay, it is an unclean end like any other."""
    alice, _ = meet("alice", "bob")
    reader = lag("reader")
    for _ in range(MANY):
        alice.say(LONG, room)
    reader.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST
    reader.cut()
    assert alice.say("on", room)["message"] == "on"
    assert "reader" in alice.ask("USERS", room=room)["users"]


def _drain(client: Client, last: int) -> list[Packet]:
    """Read up to and with the message with this id."""
    packets = []
    while True:
        packet = client.read()
        packets.append(packet)
        if packet["type"] == "MSG" and packet["id"] == last:
            return packets
