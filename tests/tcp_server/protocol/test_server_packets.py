"""What the server says: each packet parses to what was formatted; the cases are shared with the page's `wire.js`."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcp_server.protocol import server_packets
from tcp_server.protocol.server_packets import MessageError

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "cases" / "packets.json").read_text())

PACKETS: list[tuple[Any, str]] = [
    (
        server_packets.Hello(1, "S", "0", server_packets.Limits(), False),
        '{"type":"HELLO","protocol":1,"server":"S","version":"0","limits":{"packet":65535,"message":8000,"nickname":32,'
        '"room":64,"topic":300,"rooms":50},"server_password":false}',
    ),
    (server_packets.Ready(link=True, ref="r"), '{"type":"READY","link":true,"ref":"r"}'),
    (server_packets.Retry("a", "taken", "no"), '{"type":"RETRY","nickname":"a","reason":"taken","message":"no"}'),
    (server_packets.Join("é", "a", "t"), '{"type":"JOIN","room":"é","nickname":"a","timestamp":"t"}'),
    (server_packets.Typing("a", to="b"), '{"type":"TYPING","nickname":"a","to":"b"}'),
    (server_packets.RoomState("r", 201), '{"type":"ROOM","room":"r","count":201}'),
    (server_packets.Pong(), '{"type":"PONG"}'),
    (server_packets.Gap(1, 9), '{"type":"GAP","after":1,"id":9}'),
    (server_packets.Bye("quit", "x"), '{"type":"BYE","reason":"quit","message":"x"}'),
    (server_packets.Resume(), '{"type":"RESUME"}'),
    (server_packets.Subscribe("r"), '{"type":"SUBSCRIBE","room":"r"}'),
]


@pytest.mark.parametrize(("packet", "body"), PACKETS, ids=lambda value: type(value).__name__)
def test_format(packet: Any, body: str) -> None:
    """`type` first, nothing that is None, UTF-8 as it is; and back."""
    assert server_packets.format(packet) == body.encode()
    assert server_packets.parse(body.encode()) == packet


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["packet"])[:60])
def test_cases(case: dict[str, Any]) -> None:
    """A valid packet parses and keeps its values; a faulty one is a MessageError that names the field."""
    body = json.dumps(case["packet"], ensure_ascii=False).encode()
    if case.get("valid"):
        packet = server_packets.parse(body)
        assert packet.__struct_config__.tag == case["packet"]["type"]
        again = json.loads(server_packets.format(packet))
        assert again == {key: case["packet"][key] for key in again}
    else:
        with pytest.raises(MessageError, match=case["field"]):
            server_packets.parse(body)


def test_unknown_keys_are_ignored() -> None:
    """A newer server may say more."""
    assert server_packets.parse(b'{"type":"PONG","id":7,"mood":{"deep":[]}}') == server_packets.Pong(id=7)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"type":"DANCE"}', b'{"type":7}', b"\xff", b"[" * 100_000])
def test_what_no_server_sends(body: bytes) -> None:
    """One exception for all of it."""
    with pytest.raises(MessageError):
        server_packets.parse(body)


@given(st.binary())
def test_any_bytes_give_a_packet_or_a_message_error(body: bytes) -> None:
    """Never another exception."""
    with contextlib.suppress(MessageError):
        server_packets.parse(body)


def test_address_session() -> None:
    """The key comes first."""
    assert server_packets.address_session(12, b'{"type":"PONG"}') == b'{"session":12,"type":"PONG"}'
