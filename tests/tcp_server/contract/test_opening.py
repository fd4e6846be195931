"""PROTOCOL.md section 3, held against a running server: HELLO, NICK, READY or RETRY."""

import pytest

from tests.conftest import StartServer
from tests.tcp_server.client import Client, Packet
from tests.tcp_server.conftest import Connect, Meet
from tests.tcp_server.process import ServerProcess

LIMITS = {"packet": 65535, "message": 8000, "nickname": 32, "room": 64, "topic": 300, "rooms": 50}


def test_the_server_says_hello_first(server: ServerProcess, clients: list[Client]) -> None:
    """With its limits; there is no `motd` unless it was given one."""
    client = Client(server.port)
    clients.append(client)
    hello = client.greet()
    assert hello["protocol"] == 1
    assert hello["server"] == "Wordpacket"
    assert hello["version"]
    assert hello["limits"] == LIMITS
    assert hello["server_password"] is False
    assert "motd" not in hello


def test_ready_says_who_one_is(connect: Connect) -> None:
    """Then comes a ROOM for each room; a new user joins the lobby."""
    alice = connect()
    alice.send("NICK", nickname="alice", client="a test")
    ready = alice.expect("READY", nickname="alice", rooms=["lobby"], resumed=False)
    assert ready["token"]
    assert ready["epoch"]
    assert isinstance(ready["id"], int)
    room = alice.expect("ROOM", room="lobby", count=1, users=["alice"], topic="")
    assert isinstance(room["id"], int)
    assert alice.sync() == []


def test_readys_id_is_the_newest_message(meet: Meet, connect: Connect, room: str) -> None:
    """Of the whole log; ROOM has the room's own, 0 if there is none."""
    (alice,) = meet("alice")
    first = alice.say("one", room)
    bob = connect("bob", rooms=[room, f"{room}-empty"])
    assert bob.ready["id"] == first["id"]
    assert [packet["id"] for packet in bob.rooms] == [first["id"], 0]
    bob.say("elsewhere", f"{room}-empty")
    carol = connect("carol", rooms=[room])
    assert carol.ready["id"] == first["id"] + 1
    assert carol.rooms[0]["id"] == first["id"]


def test_rooms_in_nick_are_joined(connect: Connect, meet: Meet, room: str) -> None:
    """READY has them in the order given; who is there already hears the JOIN."""
    (alice,) = meet("alice")
    bob = connect("bob", rooms=[f"{room}-other", room])
    assert bob.ready["rooms"] == [f"{room}-other", room]
    assert bob.rooms[1]["users"] == ["alice", "bob"]
    assert bob.sync() == []
    join = alice.expect("JOIN", room=room, nickname="bob")
    assert join["timestamp"].endswith("Z")
    assert alice.sync() == []


def test_no_rooms_at_all(connect: Connect) -> None:
    """An empty list is a list."""
    assert connect("alice", rooms=[]).ready["rooms"] == []


@pytest.mark.parametrize("rooms", [["two words"], ["good", ""], ["r" * 65], "lobby", [7], None, {}])
def test_a_bad_list_of_rooms_opens_nothing(connect: Connect, bystander: Client, rooms: object) -> None:
    """ERROR, no READY, and the nickname stays free."""
    alice = connect()
    alice.send("NICK", nickname="alice", rooms=rooms, ref="r")
    error = alice.expect("ERROR", ref="r")
    assert error["code"] in ("bad_packet", "too_long")
    assert error["message"].startswith("rooms")
    assert alice.sync() == []
    connect("alice")


@pytest.mark.parametrize(
    "packet",
    [
        {"type": "MSG", "room": "lobby", "message": "x"},
        {"type": "MSG", "to": "bystander", "message": "x"},
        {"type": "JOIN", "room": "lobby"},
        {"type": "LEAVE", "room": "lobby"},
        {"type": "TOPIC", "room": "lobby", "topic": "x"},
        {"type": "TYPING", "room": "lobby"},
        {"type": "ROOMS"},
        {"type": "USERS", "room": "lobby"},
        {"type": "HISTORY", "room": "lobby"},
        {"type": "SEARCH", "query": "x"},
        {"message": "x"},
    ],
)
def test_nothing_else_is_for_before_ready(connect: Connect, bystander: Client, packet: Packet) -> None:
    """ERROR not_ready, which is not counted as a bad packet."""
    stranger = connect()
    for _ in range(11):
        stranger.send(packet.get("type"), ref="r", **{key: packet[key] for key in packet if key != "type"})
        stranger.expect("ERROR", code="not_ready", ref="r")
    stranger.open("stranger")


def test_ping_pong_and_bye_are_for_before_ready(connect: Connect) -> None:
    """PONG gets no answer."""
    stranger = connect()
    stranger.send("PING", ref="p")
    assert isinstance(stranger.expect("PONG", ref="p")["id"], int)
    stranger.send("PONG")
    assert stranger.sync() == []
    stranger.send("BYE", ref="b", message="never mind")
    stranger.assert_ends("quit", ref="b")


def test_the_tenth_refusal_ends_it(connect: Connect, bystander: Client) -> None:
    """Whatever the reasons were."""
    connect("alice")
    stranger = connect()
    for number in range(10):
        nickname, reason = (("alice", "taken"), ("root", "reserved"), ("two words", "invalid"))[number % 3]
        stranger.send("NICK", nickname=nickname)
        retry = stranger.expect("RETRY", nickname=nickname, reason=reason)
        assert retry["message"]
    stranger.assert_ends("protocol")


def test_nine_refusals_and_a_good_nickname(connect: Connect) -> None:
    """The client may try again."""
    stranger = connect()
    for _ in range(9):
        stranger.send("NICK", nickname="root")
        stranger.expect("RETRY")
    stranger.open("stranger")
    for _ in range(11):
        stranger.send("NICK", nickname="root")
        stranger.expect("RETRY")  # after READY they are not counted
    assert stranger.sync() == []


def test_a_servers_name_and_message_of_the_day(
    start_server: StartServer, connect: Connect, clients: list[Client]
) -> None:
    """HELLO shows both."""
    server = start_server("--name", "Kaffeehaus", "--motd", "Grüß Gott 😀")
    client = Client(server.port)
    clients.append(client)
    client.expect("HELLO", server="Kaffeehaus", motd="Grüß Gott 😀")


def test_a_servers_password(
    start_server: StartServer, connect: Connect, clients: list[Client], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """HELLO asks for it, NICK brings it, RETRY password refuses."""
    secret = tmp_path_factory.mktemp("secret") / "password"
    secret.write_text("šibboleth\n")
    server = start_server("--server-password-file", str(secret))
    client = Client(server.port)
    clients.append(client)
    assert client.greet()["server_password"] is True
    for fields in ({}, {"server_password": "sibboleth"}, {"server_password": ""}, {"password": "šibboleth"}):
        client.send("NICK", nickname="alice", ref="r", **fields)
        client.expect("RETRY", nickname="alice", reason="password", ref="r")
    client.open("alice", server_password="šibboleth")
    again = Client(server.port)
    clients.append(again)
    again.greet()
    again.send("NICK", nickname="alice", token=client.ready["token"])
    again.expect("RETRY", reason="password")
    again.open("alice", token=client.ready["token"], server_password="šibboleth")
