"""Entries: one table of kinds, and bodies made of head, id and rest."""

import json

from tcp_server.protocol import server_packets
from tcp_server.protocol.entries import KINDS, MSG, TYPES, MessageFields, entry_body, entry_id, entry_rest


def test_kinds_have_numbers_and_types_of_their_own() -> None:
    """The numbers are in people's logs and never change."""
    assert {number: kind.type for number, kind in KINDS.items()} == {0: "MSG"}
    assert frozenset({"MSG"}) == TYPES


def test_a_body_is_the_packet() -> None:
    """What the log keeps and an id make the MSG that everybody gets."""
    fields = MessageFields("zoë", 'a "quoted" word', "2026-11-22T10:00:00.000Z", room="tea", ref="r")
    body = entry_body(MSG, 2**53 - 1, entry_rest(fields))
    assert body.startswith(MSG.head)
    packet = server_packets.parse(body)
    assert isinstance(packet, server_packets.Msg)
    assert {**json.loads(server_packets.format(packet))} == json.loads(body)
    assert entry_id(body) == packet.id == 2**53 - 1
