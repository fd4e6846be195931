"""Text of other people is made harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_client.chat.display import defuse, defuse_line

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
