"""No body of at most 64 KB costs parser, state or markup of the page much: 5 ms, and 40 ms on a busy machine."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.web.state_run import READY, msg

BODY = 65_000
WIDE_MSEC = 40
# The median of three, each with what a packet costs: parsing, the state, and the row of a message.
MEASURE = """([body, ready]) => {
  let state = initialState();
  const room = { type: "ROOM", room: "lobby", topic: "", count: 1, users: ["alice"], id: 9 };
  const events = [
    { type: "signin", url: "ws://x/", nickname: "alice", password: "", serverPassword: "" },
    { type: "opened" },
    ...[{ type: "HELLO", protocol: 1 }, ready, room].map((packet) => ({ type: "packet", packet })),
  ];
  for (const event of events) ({ state } = State.reduce(state, { at: 1_000, ...event }));
  const once = () => {
    const start = performance.now();
    let packet = null;
    try {
      packet = Wire.parse(body);
    } catch (fault) {
      if (!(fault instanceof Wire.WireError)) throw fault;
    }
    if (packet !== null) State.reduce(state, { type: "packet", packet, at: 2_000 });
    if (packet?.type === "MSG") Rows.element({ ...Timeline.message(packet), grouped: false }, { nickname: "alice" });
    return performance.now() - start;
  };
  return [once(), once(), once()].sort((one, other) => one - other)[1];
}"""

FILLS = {
    "marks": "\u0301\u0323",
    "half-width marks": "\uff9e\u0323",
    "a letter of eighteen": "\ufdfa",
    "letters with marks": "é",
    "sigmas": "Σς ",
    "dotless": "ı",
    "links": "http://a.b ",
    "one long link": "http://",
    "brackets": "http://a.b/((]",
    "full stops": "http://a...",
    "full-width stops": "http://a。",
    "foreign stops": "http://a؟",
    "code": "`a",
    "fences": "```",
    "the nickname": "@alice ",
    "isolates": "\u2068",
    "white": " ",
    "pairs": "𝒳",
}


def fill(text: str) -> str:
    """Repeat a text up to the size of a body."""
    return text * (BODY // len(text.encode()))


def cost(lab: Page, body: str) -> float:
    assert len(body.encode()) <= 65_535
    return float(lab.evaluate(MEASURE, [body, READY]))


@pytest.mark.parametrize("text", FILLS.values(), ids=FILLS)
@pytest.mark.parametrize(
    ("packet", "field"),
    [
        (msg(11, ""), "message"),
        (msg(11, "x"), "nickname"),
        ({"type": "TOPIC", "room": "lobby", "nickname": "bob"}, "topic"),
        ({"type": "JOIN", "nickname": "bob"}, "room"),
        ({"type": "NICK", "room": "lobby", "nickname": "bob"}, "old"),
        ({"type": "NOTICE"}, "message"),
    ],
    ids=["message", "nickname", "topic", "room", "rename", "notice"],
)
def test_a_long_text(lab: Page, packet: dict[str, Any], field: str, text: str) -> None:
    body = json.dumps({**packet, field: fill(text)}, ensure_ascii=False)
    assert cost(lab, body) < WIDE_MSEC


NAMES = [f"é{number}" for number in range(6_000)]
MARKED = [f"{'a' + chr(0x301) + chr(0x323)}{'b' + chr(0x323) * 8}{number}" for number in range(1_900)]
LISTS: dict[str, dict[str, Any]] = {
    "members": {"type": "ROOM", "room": "lobby", "count": 1, "id": 9, "users": NAMES},
    "members with marks": {"type": "ROOM", "room": "lobby", "count": 1, "id": 9, "users": MARKED},
    "rooms of one's own": {**READY, "rooms": NAMES},
    "messages": {"type": "HISTORY", "room": "lobby", "more": True, "messages": [msg(n, "é") for n in range(1, 560)]},
    "rooms": {"type": "ROOMS", "more": True, "rooms": [{"room": name, "count": 1} for name in NAMES[:2_200]]},
}


@pytest.mark.parametrize("packet", LISTS.values(), ids=LISTS)
def test_a_long_list(lab: Page, packet: dict[str, Any]) -> None:
    """It is cut at what the protocol allows."""
    assert cost(lab, json.dumps(packet, ensure_ascii=False, separators=(",", ":"))) < WIDE_MSEC


@pytest.mark.parametrize("escape", ["", "\\\\ud800"], ids=["plain", "with an escape"])
def test_a_deep_nest(lab: Page, escape: str) -> None:
    """What the engine itself refuses to walk is no packet, and no error of the page."""
    depth = 32_000
    assert cost(lab, f'{{"type":"X","a":"{escape}","b":{"[" * depth}{"]" * depth}}}') < WIDE_MSEC
