"""The rows of packets and phases, walked whole; what the actions do is told in `test_hub`."""

import pytest

from tcp_server.chat.actions import ALLOWED, ROWS
from tcp_server.chat.front import Claim
from tcp_server.chat.phases import Phase
from tcp_server.protocol import client_packets
from tests.tcp_server.client import pack
from tests.tcp_server.stage import Stage, assert_sends

SAMPLES: dict[str, dict[str, object]] = {
    "MSG": {"room": "lobby", "message": "x"},
    "JOIN": {"room": "tea"},
    "LEAVE": {"room": "lobby"},
    "TOPIC": {"room": "lobby", "topic": "x"},
    "NICK": {"nickname": "bob"},
    "TYPING": {"room": "lobby"},
    "ROOMS": {},
    "USERS": {"room": "lobby"},
    "HISTORY": {"room": "lobby"},
    "SEARCH": {"query": "x"},
    "PING": {},
    "PONG": {},
    "BYE": {},
    "LINK": {"name": "x"},
    "OPEN": {"session": 1, "address": "x"},
    "CLOSE": {"session": 1},
    "PAUSE": {"session": 1},
    "RESUME": {"session": 1, "after": 0},
}
BEFORE_READY = {"NICK", "PING", "PONG", "BYE"}
OF_LINKS = {"LINK", *client_packets.SESSION_PACKETS}


def test_every_packet_has_its_row() -> None:
    """But for those of links; a NICK comes as a Claim."""
    packets = {struct for kind, struct in client_packets.PACKETS.items() if kind not in OF_LINKS}
    assert set(ROWS) == packets - {client_packets.Nick} | {Claim}
    assert set(SAMPLES) == set(client_packets.PACKETS)


def test_the_lookup_is_made_of_the_rows() -> None:
    """Each phase at its number; no action is in a phase that has ended."""
    assert {(packet, phase) for phase in Phase for packet in ALLOWED[phase]} == {
        (packet, phase) for packet, actions in ROWS.items() for phase in actions
    }
    assert not ALLOWED[Phase.ENDED]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_before_ready(kind: str) -> None:
    """Four packets are allowed; the others are `not_ready`."""
    stage = Stage()
    session = stage.connect()
    stage.receive_body(session, pack(kind, {**SAMPLES[kind], "ref": "r"}))
    heard = stage.take(session)
    if kind in BEFORE_READY:
        assert all(packet["type"] != "ERROR" for packet in heard)
    else:
        (error,) = heard
        assert (error["code"], error["ref"]) == ("not_ready", "r")
        assert error["message"] == f"{kind} is not allowed before READY"


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_in_the_chat(kind: str) -> None:
    """All packets are allowed but those of links."""
    stage = Stage()
    alice = stage.enter("alice")
    stage.receive_body(alice, pack(kind, {**SAMPLES[kind], "ref": "r"}))
    errors = [packet for packet in stage.take(alice) if packet["type"] == "ERROR"]
    assert [error["code"] for error in errors] == (["unknown_type"] if kind in OF_LINKS else [])


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_after_the_end(kind: str) -> None:
    """Nothing is answered."""
    stage = Stage()
    alice = stage.enter("alice")
    stage.cut(alice)
    stage.receive_body(alice, pack(kind, SAMPLES[kind]))
    assert_sends(stage, alice)
