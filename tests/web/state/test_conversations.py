"""conversations.js: a room or the direct messages with one person, as values."""

from typing import Any

import pytest
from playwright.sync_api import Page

ROOM = "Conversations.create({ kind: 'room', name: 'Den' }, 1)"


def members(lab: Page, *steps: str) -> dict[str, Any]:
    """Return the room after these calls, each of which gets it as `room`."""
    script = f"() => {{ let room = {ROOM}; {''.join(f'room = {step};' for step in steps)} return room; }}"
    return dict(lab.evaluate(script))


@pytest.mark.parametrize(
    ("packet", "target", "key"),
    [
        ({"room": "Den", "nickname": "bob"}, {"kind": "room", "name": "Den"}, "#den"),
        ({"to": "alice", "nickname": "Bob"}, {"kind": "direct", "name": "Bob"}, "@bob"),
        ({"to": "Bob", "nickname": "ALICE"}, {"kind": "direct", "name": "Bob"}, "@bob"),
    ],
    ids=["room", "received", "sent"],
)
def test_where_a_packet_belongs(lab: Page, packet: dict[str, str], target: dict[str, str], key: str) -> None:
    """A direct message belongs to the other person, whoever wrote it."""
    assert lab.evaluate("packet => Conversations.target(packet, 'alice')", packet) == target
    assert lab.evaluate("target => Conversations.keyOf(target)", target) == key


def test_how_a_packet_addresses_it(lab: Page) -> None:
    assert lab.evaluate(f"Conversations.address({ROOM})") == {"room": "Den"}
    assert lab.evaluate("Conversations.address({ kind: 'direct', name: 'bob' })") == {"to": "bob"}


def test_members_come_once_and_go_once(lab: Page) -> None:
    """Whoever is there already doesn't come again; the count never falls below nobody."""
    joined = ("Conversations.joined(room, 'Bob', 5)", "Conversations.joined(room, 'BOB', 6)")
    assert (members(lab, *joined)["members"], members(lab, *joined)["count"]) == ({"bob": "Bob"}, 1)
    left = ("Conversations.left(room, 'bob', 7)", "Conversations.left(room, 'ghost', 8)")
    room = members(lab, *joined, *left)
    assert (room["members"], room["count"]) == ({}, 0)


def test_a_room_that_is_left_keeps_its_messages_alone(lab: Page) -> None:
    add = "Conversations.received(room, { kind: 'message', key: 'm', id: 3, nickname: 'bob' }, {})"
    room = members(lab, "Conversations.joined(room, 'bob', 5)", add, "Conversations.outside(room)")
    assert (room["joined"], room["count"], room["members"]) == (False, 0, {})
    assert [entry["kind"] for entry in room["timeline"]] == ["presence", "message"]


def test_comings_and_goings_make_one_line_for_five_minutes(lab: Page) -> None:
    """A later one begins another line."""
    steps = ["Conversations.joined(room, 'bob', 0)", "Conversations.joined(room, 'eve', 300000)"]
    assert len(members(lab, *steps)["timeline"]) == 1
    assert len(members(lab, *steps, "Conversations.joined(room, 'dan', 600001)")["timeline"]) == 2


def test_a_repeated_message_changes_nothing(lab: Page) -> None:
    """The very same conversation comes back, by which nothing is drawn again."""
    assert lab.evaluate(f"""() => {{
      const entry = {{ kind: "message", key: "m", id: 3, nickname: "bob" }};
      const room = Conversations.received({ROOM}, entry, {{}});
      return Conversations.received(room, entry, {{}}) === room && Conversations.seen({ROOM}).unread === 0;
    }}""")


def test_typing_ends_by_itself(lab: Page) -> None:
    typing = "Conversations.typing(room, 'bob', 1000)"
    assert members(lab, typing, "Conversations.expireTyping(room, 6999)")["typing"].keys() == {"bob"}
    assert members(lab, typing, "Conversations.expireTyping(room, 7000)")["typing"] == {}


def test_rooms_come_before_people(lab: Page) -> None:
    script = """Conversations.ordered({
      a: { kind: "direct", name: "al" }, b: { kind: "room", name: "zoo" }, c: { kind: "room", name: "den" },
    }).map((one) => one.name)"""
    assert lab.evaluate(script) == ["den", "zoo", "al"]
