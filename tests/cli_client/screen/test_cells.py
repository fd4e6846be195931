"""Text in cells: emojis in pieces, rows that fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from cli_client.screen.cells import clip, part_emojis, wrap


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("👩‍👩‍👧 at the 🏠", "👩👩👧 at the 🏠"),
        ("🏳️‍🌈 ❤️ 👍🏽 1️⃣ 🇩🇪", "🏳🌈 ❤ 👍 1 DE"),
        ("क्‍ष ẍ 日本 plain", "क्‍ष ẍ 日本 plain"),
    ],
)
def test_emojis_are_parted_and_letters_are_not(text: str, parted: str) -> None:
    """Each piece then has the width that the screen was laid out for."""
    assert part_emojis(text) == parted


@given(st.text(st.characters(categories=("L", "M", "N", "P", "Z", "S"))), st.integers(2, 30), st.integers(2, 30))
def test_rows_fit_and_lose_nothing_but_space(text: str, first: int, further: int) -> None:
    """Every row is narrow enough, and what is not white space is in exactly one of them."""
    rows = [text[start:end] for start, end in wrap(text, first, further)]
    for number, row in enumerate(rows):
        base = sum(get_cwidth(c) for c in row.rstrip())
        assert base <= (further if number else first)
    assert "".join("".join(rows).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("hello world this is", ["hello", "world this", "is"]),
        ("x" * 25, ["x" * 10, "x" * 10, "x" * 5]),
        ("日本語のテキスト", ["日本語のテ", "キスト"]),
        ("e\u0301" * 12, ["e\u0301" * 10, "e\u0301" * 2]),
        ("end of it   ", ["end of it"]),
        ("one      " + " " * 9 + "two", ["one", "two"]),
    ],
)
def test_rows_are_cut_at_words(text: str, rows: list[str]) -> None:
    """A row ends with a word; a word longer than a row is cut; marks stay with their letter."""
    assert [text[start:end].rstrip() for start, end in wrap(text, 10, 10)] == rows


@pytest.mark.parametrize(
    ("text", "cells", "clipped"),
    [("hello", 5, "hello"), ("hello", 4, "hel…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("ab", 0, "")],
)
def test_a_clipped_text_says_so(text: str, cells: int, clipped: str) -> None:
    """What doesn't fit ends with an ellipsis, and is never wider than asked."""
    assert clip(text, cells) == clipped
    assert get_cwidth(clipped) <= cells
