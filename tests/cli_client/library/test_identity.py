"""The user as the server knows it."""

import pytest

from cli_client.library import identity
from cli_client.library.identity import Identity
from tcp_server.protocol import server_packets
from tests.cli_client.scripted_server import NOON, msg


def test_rooms_are_followed() -> None:
    """A room that was left is not asked for again; after quit and timeout the user comes back to it."""
    alice = Identity("alice", ["#Lobby", "dev"])
    assert alice.rooms == ["Lobby", "dev"]
    alice.follow(server_packets.Join(room="ops", nickname="ALICE", timestamp=NOON))
    alice.follow(server_packets.Join(room="other", nickname="bob", timestamp=NOON))
    alice.follow(server_packets.RoomState(room="lobby", count=1, topic="", users=[], id=0))
    alice.follow(server_packets.RoomState(room="big", count=500))  # a number of a room, not a room of ours
    for room, reason in (("lobby", "quit"), ("dev", "left"), ("ops", "kicked")):
        alice.follow(server_packets.Leave(room=room, nickname="alice", timestamp=NOON, reason=reason))
    alice.follow(server_packets.Leave(room="lobby", nickname="bob", timestamp=NOON, reason="left"))
    assert alice.rooms == ["lobby"]


def test_ready_has_the_last_word() -> None:
    """On the nickname and the rooms, where it tells them."""
    alice = Identity("alice", ["dev"])
    alice.admit(server_packets.Ready(nickname="Alice_"))
    assert (alice.nickname, alice.rooms) == ("Alice_", ["dev"])
    alice.admit(server_packets.Ready(rooms=["lobby"]))
    assert (alice.nickname, alice.rooms) == ("Alice_", ["lobby"])
    assert alice.is_me("ALICE_")


def test_a_memory_adds_its_rooms() -> None:
    """Before those that were asked for this time."""
    alice = Identity("al", ["dev"])
    alice.restore("alice", ["lobby"], ["bob"])
    assert (alice.nickname, alice.rooms, alice.peers) == ("alice", ["lobby", "dev"], ["bob"])


def test_the_latest_peers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, the latest last, and no more than a bound."""
    monkeypatch.setattr(identity, "PEERS_MAX", 2)
    alice = Identity("alice", [])
    for message in (
        msg(1),
        msg(2, to="alice"),
        msg(3, nickname="alice", to="carol"),
        msg(4, nickname="Bob", to="alice"),
    ):
        alice.note_peer(message)
    assert alice.peers == ["carol", "Bob"]
    alice.note_peer(msg(5, nickname="dave", to="alice"))
    assert alice.peers == ["Bob", "dave"]
