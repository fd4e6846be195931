"""No body of at most 64 KB costs over 5 ms, whatever it holds (CPU time of the thread, median of three)."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.client_packets import PACKETS, ClientPacket
from tcp_server.protocol.server_packets import MessageError
from tcp_server.wordpacket import MAX_BODY
from tests.cost import cost
from tests.tcp_server.stage import Stage
from ws_bridge import translate

BOUND_SECONDS = 0.005
ROOM = 60_000  # bytes for the one costly value; the rest of the body fits beside it

# What is dear to somebody: normalization, case folding, numbers, nesting, scanning.
TEXTS = {
    "marks": "x" + "\u0301" * (ROOM // 2),
    "marks of two classes": "x" + "\u0301\u0316" * (ROOM // 4),
    "short runs of marks": ("x" + "\u0301" * 4) * (ROOM // 9),
    "runs of thirty": ("x" + "\u0301\u0316" * 15) * (ROOM // 61),
    "what NFKC makes long": "\ufdfa" * (ROOM // 3),
    "what folding makes long": "\u0390" * (ROOM // 2),
    "Hangul": "\u1112\u1161\u11ab" * (ROOM // 9),
    "plain": "a" * ROOM,
    "capitals": "A" * ROOM,
    "spaces": " " * ROOM,
    "words": "a " * (ROOM // 2),
    "number signs": "#" * ROOM,
    "dots": "." * ROOM,
    "newlines": "\n" * ROOM,
    "escapes": "\x1b" * (ROOM // 6),
    "emojis": "\U0001f468\u200d" * (ROOM // 7),
    "links": "http://a " * (ROOM // 9),
    "stars": "*" * ROOM,
}
LENGTHS = (32, 64, 100, 300, 8_000, None)  # in characters: each bound, and none
NEEDED: dict[str, Any] = {
    "message": "hi",
    "room": "lobby",
    "topic": "tea",
    "nickname": "bob",
    "query": "tea",
    "session": 1,
    "address": "x",
    "name": "x",
    "after": 0,
}


def texts() -> Iterator[str]:
    for text in TEXTS.values():
        for length in LENGTHS:
            yield text[:length]


def values() -> Iterator[Any]:
    """Every dear value that fits into a body."""
    yield from texts()
    yield [f"r{number}" for number in range(ROOM // 8)]
    yield [f"\u00e9{number}" for number in range(ROOM // 9)]
    yield ["\ufdfa"] * (ROOM // 6)
    yield [[]] * (ROOM // 3)
    yield {str(number): number for number in range(ROOM // 14)}


def usual_fields(struct: type[ClientPacket]) -> dict[str, Any]:
    """Return the least that a good packet of this type has."""
    fields = msgspec.structs.fields(struct)
    needed = {field.encode_name for field in fields if field.required}
    if {"room", "to"} <= {field.name for field in fields}:
        needed.add("room")
    return {field: NEEDED[field] for field in needed}


def bodies(kind: str) -> Iterator[bytes]:
    """Each field of a packet with each dear value, the others as they should be."""
    struct = PACKETS[kind]
    usual = usual_fields(struct)
    for field in struct.__struct_encode_fields__:
        for value in values():
            packet = {"type": kind, **usual, field: value}
            if field == "to":
                packet.pop("room", None)
            yield json.dumps(packet, ensure_ascii=False).encode()
    for raw in (b"[" * ROOM, b'{"a":' * (ROOM // 5), b"9" * ROOM, b"-" + b"9" * ROOM, b"1e" + b"9" * 9, b'"' * 3):
        yield b'{"type":"%b","after":%b}' % (kind.encode(), raw)
        yield b'{"type":"%b","unknown":%b}' % (kind.encode(), raw)


@pytest.mark.parametrize("kind", sorted(PACKETS))
@pytest.mark.parametrize("is_open", [False, True], ids=["before READY", "in the chat"])
def test_a_body_costs_the_server_little(kind: str, is_open: bool) -> None:
    """Parsing, checking, and all that the hub does with it."""
    stage = Stage()
    for body in bodies(kind):
        if len(body) > MAX_BODY:
            continue
        session = stage.enter("alice") if is_open else stage.connect()
        spent = cost(lambda body=body, session=session: stage.receive_body(session, body), BOUND_SECONDS)  # type: ignore[misc]
        assert spent < BOUND_SECONDS, f"{spent * 1000:.1f} ms: {body[:80]!r}"
        stage.end(session, None)
        stage.wait(61)
        stage.forget()


@pytest.mark.parametrize("kind", sorted(PACKETS))
def test_a_body_costs_the_bridge_little(kind: str) -> None:
    """On its way from a browser to the link, and as an answer on the way back."""
    for body in bodies(kind):

        def cross(body: bytes = body) -> None:
            with contextlib.suppress(translate.NotForwarded):
                translate.for_server(7, body)

        def come_back(body: bytes = b'{"session":7,' + body[1:]) -> None:
            with contextlib.suppress(msgspec.MsgspecError, RecursionError):
                translate.envelope(body)
            translate.for_browser(body)

        if len(body) <= MAX_BODY:
            assert cost(cross, BOUND_SECONDS) < BOUND_SECONDS, body[:80]
            assert cost(come_back, BOUND_SECONDS) < BOUND_SECONDS, body[:80]


@pytest.mark.parametrize("kind", sorted(server_packets.PACKETS))
def test_a_body_costs_the_parser_of_a_client_little(kind: str) -> None:
    """Whatever a server says."""
    struct = server_packets.PACKETS[kind]
    for field in struct.__struct_encode_fields__:
        for value in values():
            body = json.dumps({"type": kind, field: value}, ensure_ascii=False).encode()

            def parse(body: bytes = body) -> None:
                with contextlib.suppress(MessageError):
                    server_packets.parse(body)

            if len(body) <= MAX_BODY:
                assert cost(parse, BOUND_SECONDS) < BOUND_SECONDS, f"{kind} with {body[:80]!r}"


@pytest.mark.parametrize("kind", sorted(PACKETS))
def test_the_usual_packet_is_good(kind: str) -> None:
    """So that the dear values get past the first check: without them each packet is accepted."""
    struct = PACKETS[kind]
    body = json.dumps({"type": kind, **usual_fields(struct)}).encode()
    assert isinstance(client_packets.parse(body), struct)
