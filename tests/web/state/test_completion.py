"""completion.js: what the word at the caret may become."""

from typing import Any

import pytest
from playwright.sync_api import Page

STATE = """() => {
  const reduction = new Reduction(initialState(), 1);
  reduction.set({ nickname: "alice", directory: { rooms: [{ room: "Attic" }], more: false, asking: false } });
  for (const name of ["den", "lobby"]) reduction.put(Conversations.create({ kind: "room", name }, 1));
  reduction.put(Conversations.create({ kind: "direct", name: "Bertha" }, 1));
  reduction.look("#den");
  reduction.update("#den", (old) => Conversations.withMembers(old, ["alice", "barbara", "Bob"], 3, false));
  const message = { kind: "message", key: "m1", id: 1, nickname: "bob" };
  reduction.update("#den", (old) => Conversations.received(old, message, {}));
  return reduction.state;
}"""


def found(lab: Page, typed: str, caret: int | None = None) -> dict[str, Any]:
    script = f"([typed, caret]) => Completion.find(typed, caret, ({STATE})())"
    return dict(lab.evaluate(script, [typed, len(typed) if caret is None else caret]))


def texts(lab: Page, typed: str, caret: int | None = None) -> list[str]:
    return [option["text"] for option in found(lab, typed, caret)["options"]]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("b", ["bob: ", "barbara: ", "Bertha: "]),
        ("hi B", ["bob ", "barbara ", "Bertha "]),
        ("hi @ba", ["@barbara "]),
        ("al", []),
        ("/msg b", ["bob ", "barbara ", "Bertha "]),
        ("see #", ["#Attic ", "#den ", "#lobby "]),
        ("/join lo", ["lobby "]),
        ("/to", ["/topic "]),
        ("", []),
        ("hi ", []),
    ],
)
def test_what_is_offered(lab: Page, typed: str, wanted: list[str]) -> None:
    """Whoever spoke last comes first, oneself never; at the start of a text a nickname addresses its bearer."""
    assert texts(lab, typed) == wanted


def test_the_word_at_the_caret_is_replaced(lab: Page) -> None:
    """Up to the caret, wherever it stands."""
    place = found(lab, "one ba two", 6)
    assert (place["from"], place["to"]) == (4, 6)
    assert [option["text"] for option in place["options"]] == ["barbara "]
