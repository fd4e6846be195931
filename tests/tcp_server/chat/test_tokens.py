"""Tokens: what was issued verifies, and nothing else does."""

from hypothesis import given
from hypothesis import strategies as st

from tcp_server.chat import tokens

KEY = bytes(range(32))
TOKEN = tokens.issue(KEY, 2**62 + 1, "zoë", "2026-11-22T10:00:00.000Z")


def test_a_token_names_its_uid() -> None:
    """Whatever the nickname is."""
    assert tokens.verify(KEY, TOKEN) == 2**62 + 1


def test_another_key_didnt_sign_it() -> None:
    """A token of another server opens nobody here."""
    assert tokens.verify(bytes(32), TOKEN) is None


def test_every_change_breaks_it() -> None:
    """Each character counts, but for unused bits at the end of each half."""
    claim, signature = TOKEN.split(".")
    for place in range(len(TOKEN)):
        changed = TOKEN[:place] + ("A" if TOKEN[place] != "A" else "B") + TOKEN[place + 1 :]
        if place not in (len(claim) - 1, len(TOKEN) - 1):
            assert tokens.verify(KEY, changed) is None
    assert tokens.verify(KEY, f"{claim}.{claim}") is None
    assert tokens.verify(KEY, f"{signature}.{signature}") is None


@given(st.text())
def test_any_text_is_no_token(text: str) -> None:
    """And raises nothing."""
    assert tokens.verify(KEY, text) is None
