"""The frames and bodies of the link, as values (PROTOCOL.md section 6)."""

import json
from typing import Any

import pytest

from tcp_server.wordpacket import MAX_BODY
from ws_bridge import translate
from ws_bridge.translate import AskedSession, KnownSession, NotForwarded


def unpacked(packet: bytes) -> Any:
    """Return the body of one frame, which must be whole."""
    assert int.from_bytes(packet[:2], "big") == len(packet) - 2
    return json.loads(packet[2:])


@pytest.mark.parametrize(
    ("body", "forwarded"),
    [
        (b'{"type":"PING"}', {"session": 7, "type": "PING"}),
        (b' \n{ "type" : "PING" } ', {"session": 7, "type": "PING"}),
        ('{"message":"grüße 🐟"}'.encode(), {"session": 7, "message": "grüße 🐟"}),
        (b'{"type":"PING","session":1}', {"session": 7, "type": "PING"}),
        (b'{"session":1,"type":"PING","session":2}', {"session": 7, "type": "PING"}),
        (rb'{"type":"PING","\u0073ession":1}', {"session": 7, "type": "PING"}),
        (b'{"session":"x"}', {"session": 7}),
        (b'{"type":"A","type":"B"}', {"session": 7, "type": "B"}),
        (b'{"type":5}', {"session": 7, "type": 5}),
        (b"{}", {"session": 7}),
        (b"{ \t}", {"session": 7}),
        (b"", {"session": 7}),
        (b"[]", {"session": 7}),
        (b'"x"', {"session": 7}),
        (b"null", {"session": 7}),
        (b'{"type":', {"session": 7}),
        (b'{"x":NaN}', {"session": 7}),
        (b'{"x":1}{', {"session": 7}),
        (rb'{"x":"\ud800"}', {"session": 7}),
        (b"\xef\xbb\xbf{}", {"session": 7}),
        (b'{"x":' * 10_000, {"session": 7}),
    ],
)
def test_for_server_addresses(body: bytes, forwarded: dict[str, Any]) -> None:
    """Whatever a browser sends, it speaks for its own session alone, and the key comes first."""
    packet = translate.for_server(7, body)
    assert packet[2:].startswith(b'{"session":7')
    assert unpacked(packet) == forwarded


def test_for_server_keeps_values() -> None:
    """Without a session key the other values stay byte for byte."""
    packet = translate.for_server(1, b'{"a":1e400,"session":2,"b":[1.50, "\xc3\xa4"]}')
    assert packet[2:] == b'{"session":1,"a":1e400,"b":[1.50, "\xc3\xa4"]}'


def test_what_is_answered_before_ready() -> None:
    """All but PONG, whatever it is."""
    for body in (b'{"type":"NICK"}', b'{"type":["PONG"]}', b'{"message":"PONG"}', b"[]"):
        assert translate.is_answered(translate.for_server(1, body))
    assert not translate.is_answered(translate.for_server(1, b'{"ref":"r","type":"PONG"}'))


@pytest.mark.parametrize("kind", ["LINK", "OPEN", "CLOSE", "SUBSCRIBE", "UNSUBSCRIBE", "PAUSE", "RESUME"])
def test_for_server_refuses_what_is_a_bridges(kind: str) -> None:
    """The packets of the link itself are never forwarded."""
    with pytest.raises(NotForwarded) as refused:
        translate.for_server(1, json.dumps({"type": kind, "ref": "r1"}).encode())
    reply = json.loads(refused.value.reply)
    assert (reply["type"], reply["code"], reply["ref"]) == ("ERROR", "unknown_type", "r1")


def test_for_server_refuses_a_disguised_type() -> None:
    """An escape in the type, or an earlier type, hides nothing."""
    for body in (rb'{"type":"\u004cINK"}', b'{"type":"MSG","type":"LINK"}'):
        with pytest.raises(NotForwarded):
            translate.for_server(1, body)


@pytest.mark.parametrize("ref", ["", "x" * 65, 5, None, ["r"]])
def test_refused_has_no_bad_ref(ref: object) -> None:
    """A `ref` of a wrong type or length is not repeated."""
    with pytest.raises(NotForwarded) as refused:
        translate.for_server(1, json.dumps({"type": "OPEN", "ref": ref}).encode())
    assert "ref" not in json.loads(refused.value.reply)


def test_for_server_counts_the_key() -> None:
    """A body fits on the link exactly up to 65,535 bytes with the session key."""
    around = len(b'{"session":12,"ref":"r","x":""}')
    fits = b'{"ref":"r","x":"%b"}' % (b"x" * (MAX_BODY - around))
    assert len(translate.for_server(12, fits)) == MAX_BODY + 2
    with pytest.raises(NotForwarded) as refused:
        translate.for_server(12, fits.replace(b'x"}', b'xx"}'))
    reply = json.loads(refused.value.reply)
    assert (reply["code"], reply["ref"]) == ("too_long", "r")


@pytest.mark.parametrize(
    "body",
    [
        b'{"session":3,"type":"PONG","id":4}',
        b'{ "session" : 3 , "type":"PONG","id":4}',
        b'{"type":"PONG","session":3,"id":4}',
    ],
)
def test_for_browser_takes_the_key_off(body: bytes) -> None:
    """A browser never sees a session key."""
    assert json.loads(translate.for_browser(body)) == {"type": "PONG", "id": 4}


def test_envelope_is_all_that_is_read() -> None:
    """An envelope has only the fields that the bridge needs."""
    envelope = translate.envelope(b'{"session":1,"type":"MSG","id":9,"to":"x","message":"y"}')
    assert (envelope.type, envelope.session, envelope.room, envelope.id) == ("MSG", 1, None, 9)


def test_packets_of_the_bridge() -> None:
    """Each packet that a bridge sends for a session has the key first."""
    known = KnownSession(nickname="ana", token="t", epoch="e", rooms=("a", "b"))
    for packet, body in [
        (translate.open_session(1, "::1"), {"session": 1, "type": "OPEN", "address": "::1"}),
        (translate.close_session(1), {"session": 1, "type": "CLOSE"}),
        (translate.pause(1), {"session": 1, "type": "PAUSE"}),
        (translate.resume(1, 5), {"session": 1, "type": "RESUME", "after": 5}),
        (translate.ping_again(1, b'{"type":"PONG","ref":"r"}'), {"session": 1, "type": "PING", "ref": "r"}),
        (translate.ping_again(1, b'{"type":"PONG"}'), {"session": 1, "type": "PING"}),
        (
            translate.come_back(1, known, 8),
            {
                "session": 1,
                "type": "NICK",
                "nickname": "ana",
                "token": "t",
                "epoch": "e",
                "rooms": ["a", "b"],
                "after": 8,
            },
        ),
    ]:
        assert unpacked(packet) == body
        assert packet[2:].startswith(b'{"session":1,')


def test_link_packets() -> None:
    """A secret is sent only where there is one, and a PONG has its PING's ref."""
    assert unpacked(translate.link("b", None)) == {"type": "LINK", "name": "b"}
    assert unpacked(translate.link("b", "s")) == {"type": "LINK", "name": "b", "secret": "s"}
    assert unpacked(translate.link_ping("1")) == {"type": "PING", "ref": "1"}
    assert unpacked(translate.link_pong(b'{"type":"PING"}')) == {"type": "PONG"}
    assert unpacked(translate.link_pong(b'{"type":"PING","ref":"x"}')) == {"type": "PONG", "ref": "x"}


@pytest.mark.parametrize(
    ("reason", "code"),
    [("quit", 1000), ("shutdown", 1001), ("protocol", 1002), ("kicked", 1008), ("slow", 1008), ("new", 1008)],
)
def test_close_code(reason: str, code: int) -> None:
    """Each BYE has its close code."""
    assert translate.close_code(reason) == code


@pytest.mark.parametrize(
    ("answer", "asked", "cursor"),
    [
        (KnownSession(id=9), AskedSession(), 9),
        (KnownSession(id=9), AskedSession("e", 4), 9),
        (KnownSession(id=9, epoch="e", resumed=True), AskedSession("e", 4), 4),
        (KnownSession(id=9, epoch="e", resumed=True), AskedSession(None, 4), 4),
        (KnownSession(id=9, epoch="e", resumed=True), AskedSession("other", 4), 0),
        (KnownSession(id=9, epoch="e", resumed=True), AskedSession("e", 10), 0),
        (KnownSession(id=9, epoch="e", resumed=True), AskedSession("e", None), 0),
    ],
)
def test_first_cursor(answer: KnownSession, asked: AskedSession, cursor: int) -> None:
    """READY's id is the cursor of a new session only: a resumed session is still before its replay."""
    assert translate.first_cursor(answer, asked) == cursor


def test_cursor_of_a_nick() -> None:
    """Of a broken NICK the bridge takes the defaults."""
    nick = translate.for_server(1, b'{"type":"NICK","nickname":"a","epoch":"e","after":3}')
    assert translate.asked(nick) == AskedSession("e", 3)
    nick = translate.for_server(1, b'{"type":"NICK","nickname":"a","after":"3"}')
    assert translate.asked(nick) == AskedSession()
    assert translate.asked(None) == AskedSession()
