"""Lines painted as rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from cli_client.chat.lines import Fate, Kind, Line
from cli_client.screen.colours import NICK_COLOURS
from cli_client.screen.paint import Columns, day_row, nick_style, paint, rule_row
from tests.cli_client.screen.rows import NOW, text


def rows(line: Line, width: int = 80) -> list[str]:
    return [text(row).rstrip() for row in paint(line, Columns(width), "alice")]


def style_of(line: Line, part: str, width: int = 80) -> str:
    """Return the style of a part of the painted line."""
    for row in paint(line, Columns(width), "alice"):
        for style, piece in row:
            if part in piece:
                return style
    raise AssertionError(f"{part!r} is not in {rows(line)}")


def said(body: str, kind: Kind = Kind.MESSAGE, nickname: str = "bob", **fields: object) -> Line:
    return Line(kind, body, NOW, nickname, **fields)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, ["12:30          bob │ hello"]),
        (50, ["12:30 bob hello"]),
        (30, ["bob hello"]),
    ],
)
def test_a_message_has_time_and_name(width: int, shown: list[str]) -> None:
    """Columns on a wide screen, a sentence on a narrow one, no time on the narrowest."""
    assert rows(said("hello"), width) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (said("waves", Kind.ACTION), "12:30            * │ bob waves"),
        (said("joined", Kind.JOIN), "12:30            → │ bob joined"),
        (said("quit", Kind.LEAVE), "12:30            ← │ bob quit"),
        (said("is now rob", Kind.NICK), "12:30            · │ bob is now rob"),
        (said("going down", Kind.NOTICE, ""), "12:30            ! │ going down"),
        (said("no", Kind.ERROR, ""), "12:30            × │ no"),
        (said("yes", Kind.INFO, ""), "12:30              │ yes"),
        (said("a word", Kind.HIT, number=3, target="#dev"), "12:30            3 │ 2026-11-22 #dev bob: a word"),
        (said("hi", nickname="b" * 32), f"12:30 {'b' * 11}… │ hi"),
        (said("hi", nickname="日本"), "12:30         日本 │ hi"),
        (said("a\tb"), "12:30          bob │ a    b"),
        (said("\x1b]0;evil\x07"), "12:30          bob │ ␛]0;evil␇"),
    ],
)
def test_each_kind_has_its_sign(line: Line, shown: str) -> None:
    """One look tells a message from a join, a notice or a mistake; nothing raw gets through."""
    assert rows(line) == [shown]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (said("waves", Kind.ACTION), "12:30 * bob waves"),
        (said("joined", Kind.JOIN), "12:30 → bob joined"),
        (said("yes", Kind.INFO, ""), "12:30 yes"),
        (said("a word", Kind.HIT, number=3, target="@bob"), "12:30 3 2026-11-22 @bob bob: a word"),
    ],
)
def test_narrow_screens_keep_the_sign(line: Line, shown: str) -> None:
    """In front of the sentence instead of in a column."""
    assert rows(line, 50) == [shown]


def test_long_and_many_lined_messages_keep_their_column() -> None:
    """Newlines begin a row, full rows are cut at words, all under the first."""
    assert rows(said("one\ntwo\n\n" + "word " * 14)) == [
        "12:30          bob │ one",
        "                   │ two",
        "                   │",
        "                   │ " + " ".join(["word"] * 12),
        "                   │ word word",
    ]
    assert rows(said("word " * 12), 50)[1].startswith(" " * 8 + "word")


def test_a_table_of_the_clients_keeps_its_columns() -> None:
    """A long help text goes on under itself, not under the command."""
    shown = rows(said("/command ARGUMENT   " + "explanation " * 6, Kind.INFO, ""))
    assert shown[1].index("explanation") == shown[0].index("explanation")


@settings(max_examples=60)
@given(
    st.text(st.characters(categories=("L", "M", "N", "P", "Z", "S", "C")), max_size=120),
    st.sampled_from([10, 20, 39, 40, 50, 63, 64, 80, 200]),
    st.sampled_from(list(Kind)),
)
def test_no_row_is_wider_than_the_screen(body: str, width: int, kind: Kind) -> None:
    """Whatever is said, in whatever script, on whatever screen."""
    line = said(body, kind, number=1, target="#dev")
    for row in paint(line, Columns(width), "alice"):
        assert get_cwidth(text(row).rstrip()) <= max(width, Columns(width).head_cells + 8)
        assert "\x1b" not in text(row)


def test_fates_are_seen() -> None:
    """Pending, held and failed messages look it, and say what can be done."""
    assert rows(said("hi", fate=Fate.PENDING))[0].endswith("│ hi …")
    assert rows(said("hi", fate=Fate.PENDING, reason="too fast"))[0].endswith("hi … too fast")
    failed = said("hi", fate=Fate.FAILED, reason="forbidden")
    assert rows(failed)[0].endswith("hi × not sent: forbidden; /retry or /drop")
    assert style_of(failed, "hi") == "class:failed"


def test_names_mentions_and_links_stand_out() -> None:
    """A nickname has its colour everywhere, one's own is bold, a mention is loud, a link underlined."""
    assert style_of(said("x"), "bob") == nick_style("BOB")
    assert "bold" in style_of(said("x", nickname="Alice"), "Alice")
    assert "reverse" in style_of(said("alice!", mention=True), "bob")
    assert style_of(said("alice!", mention=True), "alice!") == "class:mention"
    linked = said("see https://example.org/a(b), ok")
    assert style_of(linked, "example") == "class:link"
    assert style_of(linked, ", ok") == ""
    assert len({nick_style(f"user{number}") for number in range(200)}) == len(NICK_COLOURS)


def test_days_are_named() -> None:
    """In the middle, as wide as the screen, cut on a narrow one."""
    row = text(day_row(NOW.date(), Columns(60)))
    assert row.strip("─") == " Sunday, 22 November 2026 "
    assert len(row) == 60
    assert get_cwidth(text(rule_row("a very long text", Columns(8)))) == 8
