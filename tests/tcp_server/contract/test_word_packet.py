"""PROTOCOL.md section 1, held against a running server: framing, bad input, the classic packet, `ref`."""

import json
import struct
from typing import Any

import pytest

from tcp_server.wordpacket import MAX_BODY, encode
from tests.tcp_server.client import Client, pack
from tests.tcp_server.conftest import Connect

NESTED = 30_000  # deep enough for any recursive reader's end

# A body, and the field that the ERROR's message must name.
BAD_BODIES: list[tuple[bytes, str]] = [
    (b"hello", ""),
    (b" ", ""),
    (b"{", ""),
    (b'{"type":"PING"', ""),
    (b'{"type":"PING"}}', ""),
    (b"[]", ""),
    (b'["PING"]', ""),
    (b'"PING"', ""),
    (b"42", ""),
    (b"null", ""),
    (b"true", ""),
    (b"[" * NESTED, ""),
    (b'{"a":' * 10_000, ""),
    (b'{"type":"PING","x":' + b"[" * NESTED + b"]" * NESTED + b"}", ""),
    (b'{"type":"PING","x":NaN}', ""),
    (b'{"type":"PING","x":Infinity}', ""),
    (b'{"type":"PING","x":-Infinity}', ""),
    (b'\xef\xbb\xbf{"type":"PING"}', ""),
    ('{"type":"PING"}'.encode("utf-16-le"), ""),
    ('{"type":"PING"}'.encode("utf-16-be"), ""),
    (b'{"type":"PING","x":"\\ud800"}', ""),
    (b'{"type":"PING","x":"\\udc00\\ud800"}', ""),
    (b'{"type":"PING","\\udfff":1}', ""),
    (b'{"type":"PING","ref":"\\ud800"}', ""),
    (b'{"type":"MSG","room":"lobby","message":"\\ud83d"}', ""),
    (b'{"type":"PING","x":"a\nb"}', ""),
    (b"{}", "type"),
    (b'{"type":7}', "type"),
    (b'{"type":null}', "type"),
    (b'{"type":["PING"]}', "type"),
    (b'{"message":7}', "message"),
    (b'{"type":"PING","ref":5}', "ref"),
    (b'{"type":"PING","ref":null}', "ref"),
    (b'{"type":"PING","ref":""}', "ref"),
    (pack("PING", {"ref": "r" * 65}), "ref"),
    (b'{"type":"MSG","room":"lobby"}', "message"),
    (b'{"type":"MSG","message":"hi"}', "room"),
    (b'{"type":"MSG","room":7,"message":"hi"}', "room"),
    (b'{"type":"MSG","room":"","message":"hi"}', "room"),
    (b'{"type":"MSG","room":null,"message":"hi"}', "room"),
    (b'{"type":"MSG","room":"lobby","message":null}', "message"),
    (b'{"type":"MSG","room":"lobby","message":["hi"]}', "message"),
    (b'{"type":"MSG","room":"lobby","message":""}', "message"),
    (b'{"type":"MSG","room":"lobby","message":"a\\u0000b"}', "message"),
    (b'{"type":"MSG","room":"lobby","message":"a\\r\\nb"}', "message"),
    (b'{"type":"MSG","room":"lobby","message":"\\u001b[31m"}', "message"),
    (b'{"type":"MSG","room":"lobby","message":"\\u0085"}', "message"),
    (b'{"type":"MSG","room":"lobby","message":"hi","action":"yes"}', "action"),
    (b'{"type":"MSG","to":7,"message":"hi"}', "to"),
    (b'{"type":"MSG","to":"two words","message":"hi"}', "to"),
    (b'{"type":"JOIN"}', "room"),
    (b'{"type":"JOIN","room":"two words"}', "room"),
    (b'{"type":"JOIN","room":"#"}', "room"),
    (b'{"type":"JOIN","room":"##lobby"}', "room"),
    (b'{"type":"LEAVE"}', "room"),
    (b'{"type":"LEAVE","room":"lobby","message":7}', "message"),
    (b'{"type":"TOPIC","room":"lobby"}', "topic"),
    (b'{"type":"TOPIC","topic":"x"}', "room"),
    (b'{"type":"TOPIC","room":"lobby","topic":"a\\u0007"}', "topic"),
    (b'{"type":"NICK"}', "nickname"),
    (b'{"type":"NICK","nickname":7}', "nickname"),
    (b'{"type":"TYPING"}', "room"),
    (b'{"type":"ROOMS","after":7}', "after"),
    (b'{"type":"USERS"}', "room"),
    (b'{"type":"USERS","room":"lobby","after":[]}', "after"),
    (b'{"type":"HISTORY"}', "room"),
    (b'{"type":"HISTORY","room":"lobby","before":"7"}', "before"),
    (b'{"type":"HISTORY","room":"lobby","before":-1}', "before"),
    (b'{"type":"HISTORY","room":"lobby","after":true}', "after"),
    (b'{"type":"HISTORY","room":"lobby","limit":0}', "limit"),
    (b'{"type":"HISTORY","room":"lobby","limit":"all"}', "limit"),
    (b'{"type":"SEARCH"}', "query"),
    (b'{"type":"SEARCH","query":""}', "query"),
    (b'{"type":"SEARCH","query":" \\t "}', "query"),
    (b'{"type":"SEARCH","query":"x","from":7}', "from"),
    (b'{"type":"SEARCH","query":"x","since":"yesterday"}', "since"),
    (b'{"type":"SEARCH","query":"x","since":"2026-11-22T10:00:00"}', "since"),
    (b'{"type":"SEARCH","query":"x","until":7}', "until"),
    (b'{"type":"BYE","message":7}', "message"),
]


@pytest.mark.parametrize(
    ("body", "field"), BAD_BODIES, ids=[body[:40].decode("ascii", "replace") for body, _ in BAD_BODIES]
)
def test_a_bad_body_is_answered_and_the_connection_goes_on(
    connect: Connect, bystander: Client, room: str, body: bytes, field: str
) -> None:
    """ERROR bad_packet, with a message that names the field; then the session chats on."""
    alice = connect("alice", rooms=["lobby", room])
    alice.send_body(body)
    error = alice.expect("ERROR", code="bad_packet")
    assert field in error["message"].split(":")[0]
    assert error["message"]
    assert alice.say("on we go", room)["message"] == "on we go"


@pytest.mark.parametrize(
    ("packet", "field"),
    [
        ({"type": "MSG", "room": "lobby", "message": "x" * 8001}, "message"),
        ({"type": "MSG", "room": "r" * 65, "message": "x"}, "room"),
        ({"type": "MSG", "to": "n" * 33, "message": "x"}, "to"),
        ({"message": "x" * 8001}, "message"),
        ({"type": "TOPIC", "room": "lobby", "topic": "x" * 301}, "topic"),
        ({"type": "JOIN", "room": "r" * 65}, "room"),
        ({"type": "HISTORY", "room": "r" * 65}, "room"),
        ({"type": "HISTORY", "to": "n" * 33}, "to"),
        ({"type": "SEARCH", "query": "x" * 101}, "query"),
        ({"type": "SEARCH", "query": "x", "from": "n" * 33}, "from"),
    ],
)
def test_what_is_too_long_is_not_counted_as_bad(
    connect: Connect, bystander: Client, packet: dict[str, Any], field: str
) -> None:
    """More than ten of them, and the connection goes on."""
    alice = connect("alice")
    for _ in range(11):
        alice.send_body(json.dumps({**packet, "ref": "r1"}).encode())
        error = alice.expect("ERROR", code="too_long", ref="r1")
        assert error["message"].startswith(field)
    assert alice.sync() == []


@pytest.mark.parametrize("size", [65, 1000, 60_000, 65_400, 65_480, 65_490])
@pytest.mark.parametrize("packet", [{"type": "JOIN", "room": ""}, {"type": "NOPE"}, {"type": "PING"}])
def test_a_ref_of_any_size_never_comes_back(
    connect: Connect, bystander: Client, packet: dict[str, Any], size: int
) -> None:
    """A `ref` has 1 to 64 characters; what has more is answered without it."""
    alice = connect("alice")
    body = json.dumps({**packet, "ref": "r" * size}).encode()
    alice.send_body(body)
    error = alice.expect("ERROR")
    assert "ref" not in error
    assert alice.sync() == []


def test_a_ref_of_64_characters_comes_back(connect: Connect) -> None:
    """Characters are code points."""
    alice = connect("alice")
    for ref in ("x", "é" * 64, "😀" * 64, "\n\x01"):
        alice.send("PING", ref=ref)
        alice.expect("PONG", ref=ref)


def test_nine_bad_packets_are_forgiven_and_the_tenth_ends_the_session(connect: Connect, bystander: Client) -> None:
    """The tenth gets its ERROR too, then BYE protocol, then the end."""
    alice = connect("alice")
    for number in range(9):
        alice.send("JOIN", ref=f"bad-{number}")
        alice.expect("ERROR", code="bad_packet", ref=f"bad-{number}")
    assert alice.sync() == []
    alice.send("JOIN", ref="bad-10")
    alice.expect("ERROR", code="bad_packet", ref="bad-10")
    alice.assert_ends("protocol")


def test_bad_packets_are_counted_before_ready_too(connect: Connect, bystander: Client) -> None:
    """The session is the same before and after READY."""
    stranger = connect()
    for _ in range(9):
        stranger.send_body(b"{}")
        stranger.expect("ERROR", code="bad_packet")
    stranger.open("stranger")
    stranger.send_body(b"{}")
    stranger.expect("ERROR", code="bad_packet")
    stranger.assert_ends("protocol")


def test_bad_packets_are_counted_by_session(connect: Connect) -> None:
    """Nine of one and nine of another are not eighteen."""
    alice, bob = connect("alice"), connect("bob")
    for client in (alice, bob):
        for _ in range(9):
            client.send_body(b"{}")
            client.find("ERROR", code="bad_packet")
    assert alice.say("still here")["message"] == "still here"
    assert bob.say("me too")["message"] == "me too"


@pytest.mark.parametrize("opened", [False, True])
def test_a_zero_length_ends_the_session(connect: Connect, bystander: Client, opened: bool) -> None:
    """What stood before it is answered first."""
    alice = connect("alice") if opened else connect()
    alice.send_bytes(encode(b'{"type":"PING","ref":"1"}') + b"\0\0" + encode(b'{"type":"PING","ref":"2"}'))
    alice.expect("PONG", ref="1")
    alice.assert_ends("protocol")


@pytest.mark.parametrize(
    "body", [b"\xff", b'{"type":"PING","x":"\xc3("}', b'{"type":"PING"\xe2\x82', b"\xed\xa0\x80", b"\xc0\xaf"]
)
@pytest.mark.parametrize("opened", [False, True])
def test_a_body_that_is_not_utf8_ends_the_session(
    connect: Connect, bystander: Client, body: bytes, opened: bool
) -> None:
    """Surrogates and overlong forms written as bytes are not UTF-8 either."""
    alice = connect("alice") if opened else connect()
    alice.send_body(body)
    alice.assert_ends("protocol")


def test_a_packet_may_come_byte_by_byte(connect: Connect) -> None:
    """TCP has no packets."""
    alice = connect("alice")
    for byte in encode(b'{"type":"PING","ref":"slow"}'):
        alice.send_bytes(bytes([byte]))
    alice.expect("PONG", ref="slow")


def test_many_packets_may_come_at_once(connect: Connect) -> None:
    """Each is answered, in order."""
    alice = connect("alice")
    alice.send_bytes(b"".join(encode(b'{"type":"PING","ref":"%d"}' % number) for number in range(500)))
    for number in range(500):
        alice.expect("PONG", ref=str(number))


def test_a_body_may_have_65535_bytes(connect: Connect) -> None:
    """The length is unsigned and big-endian."""
    alice = connect("alice")
    body = b'{"type":"PING","ref":"big","x":"%b"}'
    body %= b"x" * (MAX_BODY - len(body) + 2)
    assert len(body) == MAX_BODY
    alice.send_bytes(struct.pack(">H", MAX_BODY) + body)
    alice.expect("PONG", ref="big")


def test_a_stream_that_ends_inside_a_packet_disturbs_nobody(connect: Connect, bystander: Client) -> None:
    """Also one that ends inside the length."""
    for data in (b"\0", b"\0\x10{", encode(b'{"type":"PING"}') + b"\xff\xff{"):
        alice = connect("alice", rooms=[])
        alice.send_bytes(data)
        alice.cut()
        bob = connect()
        bob.send("NICK", nickname="alice")
        bob.find("RETRY", reason="taken")  # an unclean end: the nickname is held
        token = alice.ready["token"]
        bob.open("alice", token=token)
        bob.leave()


def test_a_connection_that_never_speaks_disturbs_nobody(connect: Connect, bystander: Client) -> None:
    """It has HELLO, and that is all."""
    silent = [connect() for _ in range(20)]
    assert bystander.sync() == []
    assert all(client.sync() == [] for client in silent)
