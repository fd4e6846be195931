"""What a client says: parsed to typed packets, or refused with what is to be answered."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from tcp_server.protocol import client_packets
from tcp_server.protocol.client_packets import NotUtf8, Refusal

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "cases" / "bodies.json").read_text())

TYPES = sorted(client_packets.PACKETS)


def test_every_packet_has_its_type() -> None:
    """The parser's table is made from the structs; LINK's struct has a name of its own."""
    assert set(TYPES) == {
        *("MSG", "JOIN", "LEAVE", "TOPIC", "NICK", "TYPING", "ROOMS", "USERS", "HISTORY", "SEARCH", "PING", "PONG"),
        *("BYE", "LINK", "OPEN", "CLOSE", "PAUSE", "RESUME"),
    }
    assert set(client_packets.SESSION_PACKETS) == {"OPEN", "CLOSE", "PAUSE", "RESUME"}


def test_names_carry_their_keys() -> None:
    """As they are shown; a packet that is sent again says the same."""
    packet = client_packets.parse('{"type":"SEARCH","query":"x","room":"#Tee-Straße","from":"Zoe\u0308"}'.encode())
    assert isinstance(packet, client_packets.Search)
    room, sender = client_packets.given(packet.room), client_packets.given(packet.sender)
    assert room is not None
    assert sender is not None
    assert (room, room.key) == ("Tee-Straße", "tee-strasse")
    assert (sender, sender.key) == ("Zo\u00eb", "zo\u00eb")
    assert client_packets.parse(client_packets.format(packet)) == packet


def refuse(body: str) -> Refusal:
    """Parse what must be refused."""
    with pytest.raises(Refusal) as caught:
        client_packets.parse(body.encode())
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.get("why", case["text"])[:60])
def test_bodies(case: dict[str, Any]) -> None:
    """The table of bodies that the page's parser is held against too."""
    if case["valid"]:
        request = client_packets.parse(case["text"].encode())
        assert request.__struct_config__.tag == case.get("type", "PING")
    else:
        assert refuse(case["text"]).code == "bad_packet"


def test_a_full_request() -> None:
    """Each field by its own name; `from` is `sender`."""
    request = client_packets.parse(
        b'{"type":"SEARCH","query":"tea","room":"lobby","from":"zoe","since":"2026-11-22T10:00:00.5Z",'
        b'"until":"2026-11-23T10:00:00+01:00","before":9,"limit":7,"ref":"r"}'
    )
    assert request == client_packets.Search(
        query="tea",
        room="lobby",
        sender="zoe",
        before=9,
        limit=7,
        ref="r",
        since=datetime(2026, 11, 22, 10, 0, 0, 500_000, UTC),
        until=datetime(2026, 11, 23, 9, tzinfo=UTC),
    )


def test_what_was_not_sent_is_unset() -> None:
    """`given` makes None of it."""
    request = client_packets.parse(b'{"type":"NICK","nickname":"zoe"}')
    assert isinstance(request, client_packets.Nick)
    assert request.rooms is UNSET
    assert client_packets.given(request.rooms) is None
    assert client_packets.given(request.nickname) == "zoe"


@pytest.mark.parametrize(
    ("body", "request_"),
    [
        ('{"message":"hi"}', client_packets.Msg(message="hi", room="lobby")),
        ('{"nickname":7,"timestamp":[],"message":"hi","room":"tea"}', client_packets.Msg(message="hi", room="tea")),
        ('{"message":"hi","to":"zoe","ref":"r"}', client_packets.Msg(message="hi", to="zoe", ref="r")),
    ],
)
def test_the_classic_packet(body: str, request_: client_packets.Msg) -> None:
    """A body with `message` and no `type`."""
    assert client_packets.parse(body.encode()) == request_


@pytest.mark.parametrize(
    ("body", "code", "text", "ref"),
    [
        ('{"type":"JOIN","ref":"r"}', "bad_packet", "room: is missing", "r"),
        ('{"type":"JOIN","room":7,"ref":"r"}', "bad_packet", "room: expected `str`, got `int`", "r"),
        ('{"type":"NICK","nickname":"a","rooms":[7]}', "bad_packet", "rooms[0]: expected `str`, got `int`", None),
        ('{"type":"JOIN","room":"","ref":"r"}', "bad_packet", "room: is empty", "r"),
        ('{"type":"PING","ref":""}', "bad_packet", "ref: has 1 to 64 characters", None),
        ('{"type":"PING","ref":7}', "bad_packet", "ref: expected `str`, got `int`", None),
        ('{"type":"JOIN","ref":7}', "bad_packet", "", None),
        ('{"type":"MSG","message":"","room":"a"}', "bad_packet", "message: is empty", None),
        ('{"type":"MSG","message":"x","room":"a","to":"b"}', "bad_packet", "to: can't go with room", None),
        ('{"type":"MSG","message":"x"}', "bad_packet", "room: is missing", None),
        ("{}", "bad_packet", "type: is missing", None),
        ('{"session":1,"ref":"r"}', "bad_packet", "type: is missing", "r"),
        ('{"session":1}', "bad_packet", "type: is missing, or the body is not a JSON object", None),
        ('{"type":"HISTORY","room":"a","before":1,"after":1}', "bad_packet", "after: can't go with before", None),
        ('{"type":"OPEN","session":0,"address":"x"}', "bad_packet", "session: is out of range", None),
        ('{"type":"OPEN","session":9007199254740993,"address":"x"}', "bad_packet", "session: is out of range", None),
        (
            json.dumps({"type": "NICK", "nickname": "a", "rooms": [f"r{n}" for n in range(201)]}),
            "too_many",
            "rooms: more than 50",
            None,
        ),
        ('{"type":"ROOMS","after":"%s"}' % ("x" * 65), "too_long", "after: has more than 64 characters", None),
        ('{"type":"USERS","room":"a","after":"%s"}' % ("x" * 65), "too_long", "after: has more", None),
        (
            '{"type":"MSG","room":"a","message":"x%s"}' % ("\u0301" * 31),
            "bad_packet",
            "message: has more than 30",
            None,
        ),
        ('{"type":"TOPIC","room":"a","topic":"x%s"}' % ("\u0301" * 31), "bad_packet", "topic: has more than 30", None),
        ('{"type":"SEARCH","query":"x%s"}' % ("\u0301" * 31), "bad_packet", "query: has more than 30 marks", None),
        ('{"type":"BYE","message":"x%s"}' % ("\u0301" * 31), "bad_packet", "message: has more than 30", None),
        ('{"type":"JOIN","room":"x%s"}' % ("\u0301" * 5), "bad_packet", "room: has more than 4 marks in a row", None),
        ('{"type":"JOIN","room":"x%s"}' % ("\u0301" * 9_000), "too_long", "room: has more than 64", None),
        ('{"type":"MSG","to":"x%s","message":"x"}' % ("\u0301" * 9_000), "too_long", "to: has more than 32", None),
        ('{"type":"DANCE","ref":"r"}', "unknown_type", "there is no type DANCE", "r"),
        ('{"type":"%s"}' % ("X" * 1000), "unknown_type", f"there is no type {'X' * 64}", None),
        ('{"type":"BYE","message":"%s"}' % ("x" * 8001), "too_long", "message: has more than 8000 characters", None),
    ],
)
def test_a_refusal_is_the_reply(body: str, code: str, text: str, ref: str | None) -> None:
    """Its code, its text that names the field, and the `ref` if that was good."""
    refusal = refuse(body)
    assert (refusal.code, refusal.ref) == (code, ref)
    assert refusal.text.startswith(text)


@pytest.mark.parametrize("type", TYPES)
def test_every_type_without_its_fields(type: str) -> None:
    """It is parsed, or refused with a field's name; never something else."""
    body = json.dumps({"type": type})
    if type in ("ROOMS", "PING", "PONG", "BYE"):
        assert client_packets.parse(body.encode()).ref is UNSET
    else:
        refusal = refuse(body)
        assert refusal.code == "bad_packet"
        assert refusal.text.split(":")[0] in ("message", "room", "nickname", "query", "name", "session")


def test_a_body_that_is_not_utf8() -> None:
    """An exception of its own: it ends the session."""
    with pytest.raises(NotUtf8, match="invalid start byte at byte 1"):
        client_packets.parse(b'{\xff"type":"PING"}')


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "message",
    "room",
    "to",
    "action",
    "topic",
    "nickname",
    "rooms",
    "server_password",
    "password",
    "client",
    "token",
    "epoch",
    "after",
    "before",
    "limit",
    "query",
    "from",
    "since",
    "until",
    "ref",
    "session",
    "address",
    "name",
    "secret",
]
BODIES = st.binary() | st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)}, optional={field: VALUES for field in FIELDS}
).map(lambda body: json.dumps(body).encode())


@given(BODIES)
@example(b"[" * 65_535)
@example(b'{"a":' * 13_000)
@example(b'{"type":"PING","ref":' + b"9" * 60_000 + b"}")
@example(b'{"type":"HISTORY","room":"a","after":' + b"9" * 4_000 + b"}")
@example(b'{"type":"SEARCH","query":"a","since":"0000-00-00T00:00:00Z"}')
def test_any_bytes_give_a_request_or_a_refusal(body: bytes) -> None:
    """Never another exception; and what is refused has an answer that fits into a packet."""
    try:
        result: Any = client_packets.parse(body)
    except (Refusal, NotUtf8) as error:
        result = error
    if isinstance(result, Refusal):
        assert result.code in ("bad_packet", "unknown_type", "too_long")
        assert 0 < len(result.text.encode()) < 10_000
        assert result.ref is None or 0 < len(result.ref) <= 64
    elif isinstance(result, NotUtf8):
        with pytest.raises(UnicodeDecodeError):
            body.decode()
