"""What a name may be, and when two are the same; the cases are shared with the page's `names.js`."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcp_server.protocol import names
from tcp_server.protocol.names import NameFault

CASES: dict[str, Any] = json.loads((Path(__file__).parents[2] / "cases" / "names.json").read_text())

NAME_CHARACTERS = st.characters(exclude_categories=["Cs"])


@pytest.mark.parametrize(("first", "second"), CASES["same"])
def test_the_same(first: str, second: str) -> None:
    """NFKC, case folding, NFKC."""
    assert names.fold(first) == names.fold(second)


@pytest.mark.parametrize(("first", "second"), CASES["different"])
def test_different(first: str, second: str) -> None:
    """Looking alike is not being the same."""
    assert names.fold(first) != names.fold(second)


@pytest.mark.parametrize("case", CASES["nicknames"], ids=lambda case: case.get("why", case["name"]))
def test_nicknames(case: dict[str, Any]) -> None:
    """1–32 visible letters, marks, digits, and a few signs."""
    if case["valid"]:
        assert names.nickname_key(case["name"]) == names.fold(case["name"])
    else:
        with pytest.raises(NameFault):
            names.nickname_key(case["name"])


@pytest.mark.parametrize("name", CASES["reserved"])
def test_reserved(name: str) -> None:
    """Well formed, but not to be had."""
    assert names.nickname_key(name) in names.RESERVED


@pytest.mark.parametrize("case", CASES["rooms"], ids=lambda case: case.get("why", case["name"]))
def test_rooms(case: dict[str, Any]) -> None:
    """1–64 characters; a leading number sign is dropped."""
    if case["valid"]:
        names.room_key(case["name"])
        assert names.room_shown(case["name"]) == case.get("shown", case["name"])
    else:
        with pytest.raises(NameFault):
            names.room_key(case["name"])


@pytest.mark.parametrize(
    ("name", "too_long", "text"),
    [
        ("", False, "is empty"),
        ("n" * 33, True, "has more than 32 characters"),
        (" " * 33, True, "has more than 32 characters"),
        ("\ufb03" * 11, True, "has more than 32 characters"),
        ("x" + "\u0301" * 5, False, "has more than 4 marks in a row"),
        ("a b", False, "may not hold U+0020"),
        ("a\u200bb", False, "may not hold U+200B"),
        ("\u00b4", False, "may not hold U+00B4"),
        ("\U0001f600", False, "may not hold U+1F600"),
    ],
)
def test_a_fault_says_why(name: str, too_long: bool, text: str) -> None:
    """In words, and whether it is only the length."""
    with pytest.raises(NameFault) as caught:
        names.nickname_key(name)
    assert (caught.value.too_long, str(caught.value)) == (too_long, text)


@given(st.text(NAME_CHARACTERS))
def test_folding_is_final(text: str) -> None:
    """To fold twice is to fold once, and NFC, as names are shown, changes nothing."""
    folded = names.fold_text(text)
    assert names.fold_text(folded) == folded
    assert names.fold_text(unicodedata.normalize("NFC", text)) == folded


@given(st.text(NAME_CHARACTERS, min_size=1, max_size=40))
def test_a_good_name_is_good_as_it_is_shown(name: str) -> None:
    """Its shown form has the same key; and it holds nothing that can't be seen."""
    try:
        key = names.nickname_key(name)
    except NameFault:
        return
    shown = names.shown(name)
    assert names.nickname_key(shown) == key
    assert not any(character.isspace() or unicodedata.category(character)[0] == "C" for character in shown)
    assert names.room_key(name) == names.room_key(f"#{name}") == key


def test_every_code_point_of_a_category_or_another() -> None:
    """Letters, marks and decimal digits but the invisible ones, and thirteen signs: nothing else."""
    for code in range(0x110000):
        character = chr(code)
        if names._allowed(character):
            category = unicodedata.category(character)
            assert category[0] in "LM" or category == "Nd" or character in "-_.[]{}^|"
    invisible = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u2060\u3164\ufe0f\ufeff\uffa0\U000e0100"
    assert not any(map(names._allowed, invisible))


@pytest.mark.parametrize(
    ("text", "most", "is_long"),
    [
        ("plain", 0, False),
        ("é", 0, False),
        ("e\u0301", 1, False),
        ("e\u0301\u0301", 1, True),
        ("\u0301a\u0301b\u0301", 1, False),
        ("\u093f" * 9, 4, False),  # a vowel sign is a mark, but takes part in no reordering
        ("x" + "\u05b0\u05bc\u0591\u05a4" + "y", 4, False),
    ],
)
def test_runs_of_marks(text: str, most: int, is_long: bool) -> None:
    """Counted by the combining class: only such runs cost normalization quadratic time."""
    assert names.has_long_run(text, most) is is_long


def test_a_long_text_is_no_name() -> None:
    """It is its own key, at no cost: a server may call somebody what it likes."""
    marks = "x" + "\u0301" * 60_000
    assert names.fold(marks) == marks
