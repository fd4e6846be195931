"""query.js: the words of a search as the fields of a SEARCH packet."""

import pytest
from playwright.sync_api import Page


def test_query(lab: Page) -> None:
    """`before:` is the protocol's `until`; days are those of the person."""
    found = lab.evaluate(
        "Query.parse('two  words from:Bob in:#den since:2026-10-01T10:00:00Z before:2026-11-01 https://x', 0)"
    )
    midnight = lab.evaluate("new Date(2026, 10, 1).toISOString()")
    assert found == {
        "query": "two words https://x",
        "from": "Bob",
        "room": "den",
        "since": "2026-10-01T10:00:00.000Z",
        "until": midnight,
    }


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "next-week", "1"])
def test_a_day_that_is_none(lab: Page, day: str) -> None:
    """It is told to the person, as they wrote it."""
    script = "text => { try { return Query.parse(text, 0); } catch (fault) { return [fault.name, fault.message]; } }"
    fault = lab.evaluate(script, f"word since:{day}")
    assert fault == ["Error", f"{day} is no date; write it as 1970-01-01"]
