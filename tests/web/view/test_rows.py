"""rows.js: entries as rows, and which rows look the same."""

from typing import Any

from playwright.sync_api import Page

NOON = 1_795_608_000_000  # 2026-11-25, 12:00 UTC
MINUTE = 60_000


def message(number: int, at: int, nickname: str = "bob", **more: Any) -> dict[str, Any]:
    return {"kind": "message", "key": f"m{number}", "id": number, "at": at, "nickname": nickname, **more}


def rows(lab: Page, entries: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    script = "([entries, more]) => Rows.slice(entries, 0, entries.length, more)"
    return list(lab.evaluate(script, [entries, {"divider": None, "now": NOON, "loading": False, **more}]))


def test_one_head_for_one_person_in_a_row(lab: Page) -> None:
    """For five minutes, and not around an action."""
    found = rows(
        lab,
        [
            message(1, NOON),
            message(2, NOON + MINUTE, "BOB"),
            message(3, NOON + 2 * MINUTE, "eve"),
            message(4, NOON + 3 * MINUTE, "eve", action=True),
            message(5, NOON + 20 * MINUTE, "eve"),
        ],
    )
    assert [row["kind"] for row in found] == ["day", *["message"] * 5]
    assert [row["grouped"] for row in found[1:]] == [False, True, False, False, False]


def test_lines_between(lab: Page) -> None:
    """A line for each day, one above what is new; each begins a new head."""
    found = rows(lab, [message(1, NOON - 1440 * MINUTE), message(2, NOON), message(3, NOON + 1)], divider=3)
    assert [row["kind"] for row in found] == ["day", "message", "day", "message", "divider", "message"]
    assert (found[0]["label"], found[2]["label"], found[5]["grouped"]) == ("Yesterday", "Today", False)


def test_a_window_goes_on_from_the_entry_before_it(lab: Page) -> None:
    """Neither the day nor the head is said again."""
    script = "([entries, more]) => Rows.slice(entries, 1, 2, more)"
    more = {"divider": None, "now": NOON, "loading": False}
    (row,) = lab.evaluate(script, [[message(1, NOON), message(2, NOON + 1)], more])
    assert row["grouped"]


def test_a_row_is_drawn_again_when_it_looks_different(lab: Page) -> None:
    entry = {**message(1, NOON), "state": "pending"}
    before, after = (rows(lab, [{**entry, "attempted": attempted}])[1] for attempted in (False, True))
    assert before["signature"] != after["signature"]
    assert rows(lab, [entry])[1]["signature"] == rows(lab, [entry], now=NOON + 5)[1]["signature"]


def test_unsent_messages_stand_behind_the_others(lab: Page) -> None:
    """Those to this conversation."""
    script = """() => {
      const add = (outbox, target) =>
        Outbox.add(outbox, { ref: Object.values(target)[0], target, message: "x", action: false, at: 1 });
      const outbox = [{ room: "Den" }, { to: "den" }, { room: "attic" }].reduce(add, []);
      const den = Conversations.create({ kind: "room", name: "den" }, 1);
      return Rows.all(den, outbox, "alice").map(({ key, nickname, id, state }) => [key, nickname, id, state]);
    }"""
    assert lab.evaluate(script) == [["ref-Den", "alice", None, "pending"]]
