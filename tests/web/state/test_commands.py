"""commands.js: what an entered text means, and why it can't be done."""

import pytest
from playwright.sync_api import Page

IN_A_ROOM = "{ ...initialState(), current: '#lobby', conversations: { '#lobby': {} } }"


@pytest.mark.parametrize(
    ("typed", "slip"),
    [
        ("/jion lobby", "There is no command /jion; /help lists them, // sends a text that begins with /"),
        ("/join", "Usage: /join ROOM, …"),
        ("/nick two words", "A nickname is made of letters, digits and - _ . [ ] { } ^ | only"),
        ("/search from:bob", "A search needs at least one word"),
        ("/search x before:2026-13-01", "2026-13-01 is no date; write it as 1970-01-01"),
    ],
)
def test_slips(lab: Page, typed: str, slip: str) -> None:
    """A command that can't be done says why, in a sentence."""
    script = "typed => { try { return Commands.events(typed, initialState(), 0) } catch (e) { return e.message } }"
    assert lab.evaluate(script, typed) == slip


def test_slashes_that_are_no_commands(lab: Page) -> None:
    script = f"typed => Commands.events(typed, {IN_A_ROOM}, 0)"
    assert lab.evaluate(script, "//etc") == [{"type": "say", "text": "/etc"}]
    assert lab.evaluate(script, "/usr/bin is a folder") == [{"type": "say", "text": "/usr/bin is a folder"}]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("    if x:\n        y()\n", "    if x:\n        y()"),
        ("\n \t\n\tif (x)\n\t\ty();  \n\n", "\tif (x)\n\t\ty();"),
        ("  // a remark\n  x();", "  // a remark\n  x();"),
        ("\n//etc", "/etc"),
    ],
)
def test_what_is_said_keeps_its_indentation(lab: Page, typed: str, said: str) -> None:
    """A pasted piece of a program stays as it was; only empty lines around it and spaces at its end go."""
    script = f"typed => Commands.events(typed, {IN_A_ROOM}, 0)"
    assert lab.evaluate(script, typed) == [{"type": "say", "text": said}]
