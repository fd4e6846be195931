"""Text of other people is made harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_client.chat.display import defuse, defuse_line, harmless, isolate
from tcp_server.protocol import server_packets
from tests.cli_client.scripted_server import msg

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


def test_a_name_from_right_to_left_has_marks_around_it() -> None:
    """Others have none: programs look for them in the output of a pipe."""
    assert isolate("שלום") == "\u200eשלום\u200e"
    assert [isolate(name) for name in ("alice", "Zoë", "日本")] == ["alice", "Zoë", "日本"]


def test_a_packet_is_harmless_in_all_its_fields() -> None:
    """One that is harmless already is the same packet; a token and a ref are never shown, and stay."""
    good = msg(1, "hi")
    assert harmless(good) is good
    ready = harmless(server_packets.Ready(nickname="\x1b", token="\x1b", rooms=["\x9b"] * 999, ref="\x1b"))
    assert (ready.nickname, ready.token, ready.rooms, ready.ref) == ("␛", "\x1b", ["\ufffd"] * 200, "\x1b")
    history = harmless(server_packets.History(messages=[msg(1, "two\nlines\x1b", "a\nb")], more=False))
    assert [(message.message, message.nickname) for message in history.messages] == [("two\nlines␛", "a b")]
    long = harmless(msg(1, "x" * 9000)).message
    assert (len(long), long[-1]) == (8000, "…")
    assert harmless(msg(1, "a" + "\u0301" * 99 + "b")).message == "ab"
    assert harmless(msg(1, "é" + "\u0301" * 30)).message == "é" + "\u0301" * 30
