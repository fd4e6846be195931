"""query.js: the words of a search as the fields of a SEARCH packet."""

from playwright.sync_api import Page


def test_query(lab: Page) -> None:
    """`before:` is the protocol's `until`; days are those of the person."""
    found = lab.evaluate(
        "Query.parse('two  words from:Bob in:#den since:2026-10-01T10:00:00Z before:2026-11-01 https://x')"
    )
    midnight = lab.evaluate("new Date(2026, 10, 1).toISOString()")
    assert found == {
        "query": "two words https://x",
        "from": "Bob",
        "room": "den",
        "since": "2026-10-01T10:00:00.000Z",
        "until": midnight,
    }
