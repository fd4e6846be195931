"""Text is made harmless and cut into rows that fit."""

import getpass
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from cli_client.chat.display import defuse, defuse_line
from cli_client.library.text import sendable
from cli_client.opening import login_nickname
from cli_client.screen.cells import clip, part_emojis, wrap
from tcp_server.protocol import names
from tcp_server.protocol.fields import check_text

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"]


@pytest.mark.parametrize("control", CONTROLS)
def test_no_control_character_is_shown(control: str) -> None:
    """Each becomes one visible character."""
    shown = defuse(f"a{control}b")
    assert len(shown) == 3
    assert unicodedata.category(shown[1]) not in ("Cc", "Cf")


@given(st.text(st.characters()))
def test_whatever_comes_is_harmless(text: str) -> None:
    """No text leaves a control character other than newline and tab, and a line has not even those."""
    assert all(unicodedata.category(c) != "Cc" or c in "\n\t" for c in defuse(text))
    assert not any(c in defuse_line(text) for c in "\n\t\x1b\x9b")


def test_escape_sequences_show_their_letters() -> None:
    """A colour change is to be read, not obeyed; a reversed direction neither."""
    assert defuse("\x1b[31mred") == "␛[31mred"
    assert defuse("\u202egnirts") == "\ufffdgnirts"
    assert defuse("a\u2028b") == "a\nb"
    assert defuse("plain") == "plain"


@given(st.text(st.characters(), min_size=1, max_size=100))
def test_what_is_sendable_is_a_message(text: str) -> None:
    """The server takes whatever comes out (PROTOCOL.md section 2)."""
    check_text("message", sendable(text), 1, 8000)
    assert "\r" not in sendable(text)


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


def test_line_ends_become_newlines() -> None:
    """CRLF is one newline, and so is a lone CR."""
    assert sendable("a\r\nb\rc\nd\te") == "a\nb\nc\nd\te"


@pytest.mark.parametrize(
    ("login", "nickname"),
    [
        ("alice", "alice"),
        ("J. Smith@x", "J.Smithx"),
        ("root", "root_"),
        ("!!", "guest"),
        ("", "guest"),
        ("a" * 40, "a" * 32),
        ("日本", "日本"),
        (getpass.getuser(), None),
    ],
)
def test_a_login_name_becomes_a_nickname(login: str, nickname: str | None) -> None:
    """What a nickname can't have is left out; a reserved one gets a mark."""
    made = login_nickname(login)
    assert nickname in (None, made)
    assert names.nickname_key(made) not in names.RESERVED


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
