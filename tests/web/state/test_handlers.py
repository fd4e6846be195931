"""handlers.js: what each command that the terminal had alone does in the page, and where `/leave` leads."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

JOINS = json.loads((Path(__file__).parents[2] / "cases" / "joins.json").read_text(encoding="utf-8"))

STATE = """(() => {
  const open = (kind, name) => Conversations.create({ kind, name }, 1);
  const all = [open("room", "lobby"), open("room", "dev"), open("direct", "bob")];
  return { ...initialState(), connection: { ...initialState().connection, phase: "live" }, nickname: "alice",
           current: "#lobby", conversations: Object.fromEntries(all.map((one) => [one.key, one])), ...changes };
})()"""
DO = f"""([typed, changes]) => {{
  try {{
    return Commands.events(typed, {STATE}, 0);
  }} catch (fault) {{
    return fault.message;
  }}
}}"""
FAILED = {"ref": "r1", "room": "lobby", "message": "x", "state": "failed"}
OUTBOX = [FAILED, {**FAILED, "ref": "r2", "state": "pending"}, {**FAILED, "ref": "r3", "room": "dev"}]


def do(lab: Page, typed: str, **changes: object) -> Any:
    return lab.evaluate(DO, [typed, changes])


@pytest.mark.parametrize(
    ("typed", "room", "reason"),
    [
        ("/leave #dev", None, None),
        ("/leave #dev see you", "dev", "see you"),
        ("/leave DEV see you", "dev", "see you"),
        ("/leave for today", "lobby", "for today"),
        ("/part #elsewhere bye now", "elsewhere", "bye now"),
    ],
)
def test_leave(lab: Page, typed: str, room: str | None, reason: str | None) -> None:
    """A first word that names a room one is in, or has a `#`, is the room; other words are the reason."""
    (event,) = do(lab, typed)
    if room is None:
        assert event == {"type": "leaveConversation", "key": "#dev"}
    else:
        assert event["packet"] == {"type": "LEAVE", "room": room, "message": reason}


@pytest.mark.parametrize(
    ("typed", "events"),
    [
        ("/leave", [{"type": "leaveConversation", "key": "#lobby"}]),
        ("/close", [{"type": "leaveConversation", "key": "#lobby"}]),
        ("/switch 3", [{"type": "look", "key": "@bob", "chosen": True}]),
        ("/switch dev", [{"type": "look", "key": "#dev", "chosen": True}]),
        ("/go bob", [{"type": "look", "key": "@bob", "chosen": True}]),
        ("/s @Bob", [{"type": "look", "key": "@bob", "chosen": True}]),
        ("/s", [{"type": "note", "text": "1 #dev  2 #lobby  3 @bob"}]),
        ("/retry", [{"type": "retry", "ref": "r1"}]),
        ("/drop", [{"type": "discard", "ref": "r1"}]),
        ("/export all.jsonl", [{"type": "export", "name": "all.jsonl"}]),
        ("/msg #dev", [{"type": "look", "key": "#dev"}]),
        ("/msg #dev hi", [{"type": "look", "key": "#dev"}, {"type": "say", "text": "hi", "key": "#dev"}]),
        ("/msg @bob hi", [{"type": "direct", "nickname": "bob"}, {"type": "say", "text": "hi", "key": "@bob"}]),
        ("/topic", [{"type": "note", "text": "#lobby has no topic"}]),
        ("/help", [{"type": "panel", "panel": "help", "open": True}]),
        (
            "/help /j",
            [
                {
                    "type": "note",
                    "text": "/join ROOM, …: Enter a room; it is made if there is none, as in /join dev (also /j)",
                }
            ],
        ),
        ("/switch 4", "4 is not open; use /join ROOM or /msg NICKNAME"),
        ("/more", "There are no older hits; use /search WORDS"),
        ("/context 1", "There is no hit 1; use /search WORDS"),
        ("/context x", "Usage: /context NUMBER"),
        ("/history 0", "Usage: /history [NUMBER]"),
        ("/help bogus", "There is no command /bogus; /help lists them"),
        ("/msg #den hi", "You are not in #den; use /join den"),
    ],
)
def test_what_is_typed_is_done(lab: Page, typed: str, events: Any) -> None:
    assert do(lab, typed, outbox=OUTBOX) == events


@pytest.mark.parametrize("typed", ["/leave", "/close", "/history", "/me waves", "hello"])
def test_without_a_room_it_says_how_to_enter_one(lab: Page, typed: str) -> None:
    assert do(lab, typed, current=None, conversations={}) == "You are not in a room; use /join ROOM"


@pytest.mark.parametrize("case", JOINS, ids=lambda case: case["typed"])
def test_rooms_to_enter(lab: Page, case: dict[str, Any]) -> None:
    """A comma or a # parts two rooms; two words are one name with a space, which no room has."""
    done = do(lab, case["typed"])
    if "rooms" in case:
        assert [event["packet"]["room"] for event in done] == case["rooms"]
    else:
        assert done[0].lower() + done[1:] == case["fault"]
