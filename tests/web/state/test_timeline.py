"""timeline.js: messages in order, each once, and gaps that stand for exactly what is not known yet."""

import random
from typing import Any

import pytest
from playwright.sync_api import Page

Entry = dict[str, Any]

APPLY = """steps => {
  const message = (id) => ({ kind: "message", key: `m${id}`, id });
  let entries = Timeline.unknown(steps.before);
  for (const [what, ...rest] of steps.steps) {
    if (what === "add") entries = Timeline.add(entries, message(rest[0]));
    if (what === "merge") entries = Timeline.merge(entries, rest[0].map(message), rest[1], rest[2]);
    if (what === "out") entries = Timeline.leaveOut(entries, rest[0], rest[1]);
    if (what === "event") entries = Timeline.append(entries, { kind: "event", key: rest[0] });
  }
  return entries;
}"""


def apply(lab: Page, before: int, *steps: list[Any]) -> list[Entry]:
    return list(lab.evaluate(APPLY, {"before": before, "steps": steps}))


def shape(entries: list[Entry]) -> list[Any]:
    """Messages as ids, gaps as (after, before), anything else as its key."""
    words: dict[str, Any] = {"message": lambda one: one["id"], "gap": lambda one: (one["after"], one["before"])}
    return [words.get(one["kind"], lambda one: one["key"])(one) for one in entries]


def test_new_room(lab: Page) -> None:
    """All before the newest message of a room just entered is a gap; an empty room has none."""
    assert shape(apply(lab, 8, ["add", 9], ["add", 12])) == [(0, 8), 9, 12]
    assert shape(apply(lab, 1, ["add", 9])) == [9]


def test_page_of_history_shrinks_the_gap(lab: Page) -> None:
    """A page below 8 that says "more" leaves a gap below its first message; the last page closes it."""
    first = ["merge", [4, 6, 7], 4, 7]
    assert shape(apply(lab, 8, ["add", 8], first)) == [(0, 4), 4, 6, 7, 8]
    assert shape(apply(lab, 8, ["add", 8], first, ["merge", [1, 2], 0, 3])) == [1, 2, 4, 6, 7, 8]


def test_page_inside_a_gap_splits_it(lab: Page) -> None:
    """The surroundings of a search hit stand between two gaps."""
    assert shape(apply(lab, 100, ["add", 100], ["merge", [40, 45], 40, 45])) == [(0, 40), 40, 45, (45, 100), 100]


def test_page_upwards_of_a_gap(lab: Page) -> None:
    steps = (["merge", [40, 45], 40, 45], ["merge", [50, 60], 46, 60])
    assert shape(apply(lab, 100, ["add", 100], *steps)) == [(0, 40), 40, 45, 50, 60, (60, 100), 100]
    last = ["merge", [70], 61, 2**53 - 1]
    assert shape(apply(lab, 100, ["add", 100], *steps, last)) == [(0, 40), 40, 45, 50, 60, 70, 100]


def test_repeats_are_dropped(lab: Page) -> None:
    """A replay may repeat, and so may an answer to a resend: each message stands once, at its place."""
    assert shape(apply(lab, 1, ["add", 3], ["add", 5], ["add", 3], ["add", 4], ["add", 5])) == [3, 4, 5]
    assert shape(apply(lab, 1, ["add", 3], ["merge", [1, 3, 4], 1, 4])) == [1, 3, 4]


def test_left_out_messages(lab: Page) -> None:
    """GAP opens a gap at the end, and only for what is not here."""
    assert shape(apply(lab, 1, ["add", 3], ["out", 3, 90], ["add", 90])) == [3, (3, 90), 90]
    assert shape(apply(lab, 1, ["add", 3], ["out", 3, 4], ["add", 4])) == [3, 4]
    assert shape(apply(lab, 1, ["add", 30], ["out", 3, 20])) == [30]
    assert shape(apply(lab, 8, ["out", 9, 50])) == [(0, 50)]


def test_events_keep_their_place(lab: Page) -> None:
    """A join stands behind what was newest then, also when history comes in around it."""
    assert shape(apply(lab, 8, ["event", "join"], ["add", 8], ["merge", [6, 7], 6, 7])) == [(0, 6), 6, 7, "join", 8]


def test_nothing_changes_for_a_repeat(lab: Page) -> None:
    """The same array comes back, by which the page knows that a message is no news."""
    assert lab.evaluate("""() => {
      const message = { kind: "message", key: "m3", id: 3 };
      const entries = Timeline.add([], message);
      return Timeline.add(entries, message) === entries;
    }""")


def test_bounded(lab: Page) -> None:
    """Beyond 20,000 entries the oldest become a gap again."""
    found = lab.evaluate("""() => {
      let entries = [];
      for (let id = 1; id <= 20001; id += 1) entries = Timeline.add(entries, { kind: "message", key: `m${id}`, id });
      return [entries.length, entries[0], entries.at(-1).id];
    }""")
    assert found[0] == 15_001
    assert (found[1]["after"], found[1]["before"]) == (0, 5_002)
    assert found[2] == 20_001


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_pages_tells_the_truth(lab: Page, seed: int) -> None:
    """Each message known stands once and in order, and what is neither known nor in a gap does not exist."""
    dice = random.Random(seed)
    newest = 60
    log = sorted(dice.sample(range(1, newest + 1), 35))
    start = dice.randint(1, newest)
    known = {one for one in log if one >= start}
    steps: list[list[Any]] = [["add", one] for one in sorted(known)]
    covered = set(range(start, newest + 1))
    for _ in range(10):
        low, high = sorted((dice.randint(1, newest), dice.randint(1, newest)))
        page = [one for one in log if low <= one <= high]
        steps.append(["merge", page, low, high])
        known.update(page)
        covered.update(range(low, high + 1))
    entries = apply(lab, start, *steps)
    ids = [one["id"] for one in entries]
    assert ids == sorted(ids)
    assert [one["id"] for one in entries if one["kind"] == "message"] == sorted(known)
    missing: set[int] = set()
    for one in entries:
        if one["kind"] == "gap":
            missing |= set(range(one["after"] + 1, one["before"]))
    assert missing == set(range(1, newest + 1)) - covered
