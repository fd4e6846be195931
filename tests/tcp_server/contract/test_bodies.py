"""PROTOCOL.md section 1, held against a running server: what a body may be, the classic packet, `ref`."""

import json

import pytest

from tests.tcp_server.client import Client, assert_packet
from tests.tcp_server.conftest import Connect, Meet


def test_an_unknown_type_is_named_and_not_counted(connect: Connect, bystander: Client) -> None:
    """Types are upper case; the server's own are unknown from a client."""
    alice = connect("alice")
    for type in ("HELLO", "READY", "ROOM", "ERROR", "NOTICE", "GAP", "ping", "Ping", "", "X" * 60_000, "DANCE"):
        alice.send(type, ref="r")
        alice.expect("ERROR", code="unknown_type", ref="r")
    assert alice.sync() == []


@pytest.mark.parametrize("type", ["OPEN", "CLOSE", "PAUSE", "RESUME", "SUBSCRIBE", "UNSUBSCRIBE"])
def test_a_links_types_are_not_for_a_session(connect: Connect, bystander: Client, type: str) -> None:
    """Whoever is no bridge can't open, close or pause anything."""
    alice = connect("alice")
    alice.send(type, session=1, address="x", after=0, room="lobby")
    alice.expect("ERROR", code="unknown_type")
    assert alice.sync() == []


def test_key_order_and_white_space_mean_nothing(meet: Meet, room: str) -> None:
    """JSON is JSON."""
    (alice,) = meet("alice")
    alice.send_body(b' \n{\t"message" : "hi" ,\r\n "ref":"a", "room": %b,"type" :"MSG"} \n' % json.dumps(room).encode())
    alice.expect("MSG", room=room, message="hi", ref="a")


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"BYE","type":"PING","ref":"r"}',
        b'{"type":7,"type":"PING","ref":"r"}',
        b'{"type":"PING","ref":"x","ref":"r"}',
        b'{"type":"PING","ref":7,"ref":"r"}',
        b'{"ref":"r","type":"DANCE","type":"PING"}',
    ],
)
def test_of_a_key_given_twice_the_last_counts(connect: Connect, body: bytes) -> None:
    """Also where the first would have been an error."""
    alice = connect("alice")
    alice.send_body(body)
    alice.expect("PONG", ref="r")


def test_unknown_keys_are_ignored(connect: Connect) -> None:
    """Whatever they hold."""
    alice = connect("alice")
    alice.send("PING", ref="r", session=7, colour=["blue", {"deep": None}], id=-1, since="never")
    alice.expect("PONG", ref="r")


def test_the_classic_packet_is_a_message_to_the_lobby(connect: Connect) -> None:
    """Only the server says who and when."""
    alice, bob = connect("alice"), connect("bob")
    alice.expect("JOIN", nickname="bob")
    alice.send(None, timestamp="1999-12-31T23:59:59Z", nickname="mallory", message="hello")
    for client in (alice, bob):
        packet = client.expect("MSG", room="lobby", nickname="alice", message="hello", ref=None)
        assert packet["timestamp"] > "2026"


def test_the_classic_packet_may_name_a_room_and_a_ref(meet: Meet, room: str) -> None:
    """A body with `message` and no `type` is a MSG to its `room`."""
    (alice,) = meet("alice")
    alice.send(None, nickname=7, timestamp=None, message="hello", room=room, ref="r")
    alice.expect("MSG", room=room, nickname="alice", message="hello", ref="r")


def test_every_answer_carries_the_ref(connect: Connect, room: str) -> None:
    """On JOIN the ROOM, on LEAVE, TOPIC and MSG the broadcast itself, else the answer of the same type."""
    alice = connect()
    alice.send("BYE_", ref="0")
    alice.expect("ERROR", ref="0")
    alice.send("MSG", room=room, message="x", ref="1")
    alice.expect("ERROR", code="not_ready", ref="1")
    alice.send("NICK", nickname="root", ref="2")
    alice.expect("RETRY", ref="2")
    alice.send("NICK", nickname="alice", rooms=["#"], ref="3")
    alice.expect("ERROR", ref="3")
    alice.send("NICK", nickname="alice", rooms=[], ref="4")
    alice.expect("READY", ref="4")
    alice.send("JOIN", room=room, ref="5")
    alice.expect("JOIN", room=room, ref=None)
    alice.expect("ROOM", room=room, ref="5")
    alice.send("JOIN", room=room, ref="6")
    alice.expect("ROOM", room=room, ref="6")
    for type, fields in (
        ("MSG", {"room": room, "message": "x"}),
        ("MSG", {"to": "alice", "message": "x"}),
        ("TOPIC", {"room": room, "topic": "x"}),
        ("ROOMS", {}),
        ("USERS", {"room": room}),
        ("HISTORY", {"room": room}),
        ("HISTORY", {"to": "nobody"}),
        ("SEARCH", {"query": "x"}),
        ("LEAVE", {"room": room}),
    ):
        alice.send(type, ref=f"7-{type}", **fields)
        alice.expect(type, ref=f"7-{type}")
    alice.send("NICK", nickname="alicia", ref="8")
    alice.expect("READY", ref="8")
    alice.send("NICK", nickname="admin", ref="9")
    alice.expect("RETRY", ref="9")
    alice.send("BYE", ref="10")
    alice.assert_ends("quit", ref="10")


def test_the_ref_of_a_broadcast_is_the_senders(meet: Meet, room: str) -> None:
    """The others see the same packet."""
    alice, bob = meet("alice", "bob")
    alice.send("MSG", room=room, message="x", ref="r")
    assert alice.expect("MSG", ref="r") == bob.expect("MSG", ref="r")


def test_bodies_are_written_as_utf8(meet: Meet, room: str) -> None:
    """Never as escapes of printable text."""
    (alice,) = meet("alice")
    text = "žluťoučký 小林 😀 \u2028 \u200d </script>"
    alice.send("MSG", room=room, message=text)
    body = alice.read_body()
    assert text.encode() in body
    assert b"\\u" not in body
    assert_packet(json.loads(body), "MSG", message=text)


def test_line_breaks_and_tabs_survive(meet: Meet, room: str) -> None:
    """They are the only control characters that do."""
    (alice,) = meet("alice")
    assert alice.say('a\nb\tc "quoted" \\ /', room)["message"] == 'a\nb\tc "quoted" \\ /'
