"""stored.js: whatever stands in the browser's storage gives a value of the page's own shape, or nothing."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

WHOLE: dict[str, Any] = {
    "url": "ws://x/",
    "nickname": "alice",
    "token": "t",
    "epoch": "e",
    "identity": "alice since 1",
    "after": 7,
    "rooms": ["den"],
    "directs": ["bob"],
    "unread": {"#den": {"unread": 2, "mentions": 1, "divider": 5}},
    "current": "#den",
    "signedOut": False,
}
REST = {
    "epoch": None,
    "identity": "alice since 0",
    "after": 0,
    "rooms": [],
    "directs": [],
    "unread": {},
    "current": None,
    "signedOut": False,
}
JUNK = [None, 7, -1, 1.5, "x", True, [], {}, [7], {"a": 1}, [[]], {"#den": {"unread": "2"}}]


def read(lab: Page, what: str, value: object) -> Any:
    return lab.evaluate(f"value => Stored.{what}(value)", value)


def test_an_account_comes_back_as_it_was(lab: Page) -> None:
    assert read(lab, "account", WHOLE) == WHOLE


def test_an_older_account_lacks_what_was_new(lab: Page) -> None:
    """Person, server and token are enough: a place in an unknown log is none."""
    least = {key: WHOLE[key] for key in ("url", "nickname", "token")}
    assert read(lab, "account", {**least, "after": 7}) == {**least, **REST}


@pytest.mark.parametrize("key", ["url", "nickname", "token"])
def test_without_these_it_is_no_account(lab: Page, key: str) -> None:
    assert read(lab, "account", {**WHOLE, key: 7}) is None
    assert read(lab, "account", {other: value for other, value in WHOLE.items() if other != key}) is None


@pytest.mark.parametrize("key", sorted(WHOLE))
@pytest.mark.parametrize("junk", JUNK, ids=json.dumps)
def test_a_damaged_account_does_not_break_the_page(lab: Page, key: str, junk: object) -> None:
    """Whatever stands in one field: the page restores it and is drawn, or there is no account."""
    script = """value => {
      const account = Stored.account(value);
      if (account === null) return true;
      const { state, effects } = State.reduce(initialState(), { type: "restored", account, at: 5 });
      return effects.every(({ do: what }) => what === "connect") && JSON.stringify(Visit.account(state)).length > 0;
    }"""
    assert lab.evaluate(script, {**WHOLE, key: junk}) is True


ENTRY = {"ref": "r", "room": "den", "message": "x", "at": 5, "state": "pending", "attempted": True}


def test_an_outbox_keeps_what_can_be_sent(lab: Page) -> None:
    """A damaged entry is left out; one that was on its way is so no longer."""
    broken = [{**ENTRY, "message": 7}, {**ENTRY, "room": None}, {**ENTRY, "ref": None}, None, "x"]
    value = {"url": "ws://x/", "identity": "alice since 1", "entries": [*broken, {**ENTRY, "sent": True}]}
    found = read(lab, "outbox", value)
    assert (found["nickname"], len(found["entries"])) == ("alice", 1)
    assert found["entries"][0] == {**ENTRY, "sent": False, "delay": 0, "notBefore": 0}


@pytest.mark.parametrize("junk", JUNK, ids=json.dumps)
def test_junk_is_nothing(lab: Page, junk: object) -> None:
    assert read(lab, "outbox", junk) is None
    assert read(lab, "place", junk) == {}
    assert read(lab, "drafts", junk)["drafts"] == {}
    assert read(lab, "drafts", {"identity": "a", "drafts": {"#den": "x", "#attic": 7}})["drafts"] == {"#den": "x"}
