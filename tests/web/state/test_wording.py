"""wording.js: times, days, numbers and names as a person reads them."""

import pytest
from playwright.sync_api import Page

NOON = 1_795_608_000_000  # 2026-11-25, 12:00 UTC
HOUR = 3_600_000


@pytest.mark.parametrize(("hours", "day"), [(0, "Today"), (-24, "Yesterday"), (-48, None)])
def test_days_are_told_from_today(lab: Page, hours: int, day: str | None) -> None:
    """Today and yesterday by these words, any other by its date."""
    found = lab.evaluate("([at, now]) => Wording.day(at, now)", [NOON + hours * HOUR, NOON])
    assert found == day if day is not None else "2026" in found


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 others"),
    ],
)
def test_names_are_joined_as_a_sentence_does(lab: Page, names: list[str], words: str) -> None:
    """A single name is never counted: "1 others" would be no shorter."""
    assert lab.evaluate("names => Wording.names(names)", names) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages")])
def test_numbers_have_their_noun(lab: Page, count: int, words: str) -> None:
    assert lab.evaluate("count => Wording.count(count, 'message', 'messages')", count) == words


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("bob", "BO"),
        ("ada-lovelace", "AL"),
        ("x", "X"),
        ("", ""),
        ("ж-ё", "ЖЁ"),
        ("^^", "^^"),
        ("e\u0301a", "E\u0301A"),
    ],
)
def test_initials_are_two_letters_as_they_are_read(lab: Page, name: str, letters: str) -> None:
    """A mark belongs to its letter; a name of signs alone gives its first two."""
    assert lab.evaluate("name => Wording.initials(name)", name) == letters
