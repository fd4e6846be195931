"""The scroll position: nothing on the screen moves unless the person moves it."""

from datetime import timedelta

import pytest

from cli_client.chat.lines import Kind, Line
from cli_client.chat.session import ChatSession
from cli_client.screen.scrollback import Scrollback
from tests.cli_client.screen.rows import NOW


class Screen:
    """A scrollback of a given size over one view."""

    def __init__(self, number: int, height: int = 5, width: int = 80) -> None:
        book = ChatSession("alice", NOW).book
        self.view = book.open("#lobby")
        book.switch("#lobby")
        for n in range(1, number + 1):
            self.view.append(Line(Kind.MESSAGE, f"m{n}", NOW, "bob", n))
        self.back = Scrollback(book)
        self.height, self.width = height, width

    def see(self) -> list[str]:
        content = self.back.create_content(self.width, self.height)
        assert content.line_count == self.height
        shown = ["".join(part[1] for part in content.get_line(n)) for n in range(self.height)]
        return [row.rpartition("│ ")[2] if "│" in row else row.strip("─ ") for row in shown]


def test_the_end_is_at_the_bottom() -> None:
    """Few lines stand above the prompt, many show their end."""
    assert Screen(1).see() == ["", "", "the beginning of #lobby", "Sunday, 22 November 2026", "m1"]
    assert Screen(9).see() == ["m5", "m6", "m7", "m8", "m9"]
    assert Screen(0).see() == ["", "", "", "", "the beginning of #lobby"]


def test_pages_overlap_by_a_row_and_stop_at_both_ends() -> None:
    """PageUp to the top and PageDown to the end; there what comes is followed again."""
    screen = Screen(12)
    screen.see()
    screen.back.page_up()
    assert screen.see() == ["m4", "m5", "m6", "m7", "m8"]
    assert screen.back.below() == 4
    for _ in range(5):
        screen.back.page_up()
    assert screen.see() == ["the beginning of #lobby", "Sunday, 22 November 2026", "m1", "m2", "m3"]
    assert screen.back.at_top
    screen.back.page_down()
    assert screen.see()[-1] == "m7"
    for _ in range(3):
        screen.back.page_down()
    assert screen.see()[-1] == "m12"
    assert screen.view.attention.anchor is None
    screen.back.page_down()
    assert screen.see()[-1] == "m12"


def test_nothing_moves_what_is_read() -> None:
    """New messages below and old ones above leave the screen as it is; so does another width."""
    screen = Screen(20)
    screen.view.more = True
    screen.see()
    screen.back.page_up()
    seen = screen.see()
    screen.view.append(Line(Kind.MESSAGE, "new", NOW, "bob", 99))
    assert screen.see() == seen
    assert screen.back.below() == 5
    for _ in range(6):
        screen.back.page_up()
    seen = screen.see()
    assert screen.back.at_top
    assert seen[0] == "looking for more …"
    older = NOW - timedelta(minutes=1)
    screen.view.lines[0].id = 50
    screen.view.prepend([Line(Kind.MESSAGE, f"o{n}", older, "bob", n) for n in range(30, 40)])
    assert [row for row in screen.see() if row.startswith("m")] == seen[2:]
    screen.width = 50
    assert screen.see()[-1].endswith("m3")
    screen.back.to_end()
    assert screen.see()[-1].endswith("new")


def test_a_message_longer_than_the_screen_is_scrolled_by_rows() -> None:
    """Every row of it can be seen."""
    screen = Screen(2)
    screen.view.append(Line(Kind.MESSAGE, "\n".join(f"r{n}" for n in range(12)), NOW, "bob", 3))
    assert screen.see() == ["r7", "r8", "r9", "r10", "r11"]
    screen.back.scroll(3)
    assert screen.see() == ["r4", "r5", "r6", "r7", "r8"]
    screen.back.scroll(-1)
    assert screen.see()[-1] == "r9"
    screen.back.page_up()
    screen.back.page_up()
    assert screen.see() == ["Sunday, 22 November 2026", "m1", "m2", "r0", "r1"]
    screen.back.scroll(-100)
    assert screen.see()[-1] == "r11"


def test_a_day_begins_with_its_name() -> None:
    """Between the messages of two days."""
    screen = Screen(1, height=3)
    screen.view.append(Line(Kind.MESSAGE, "next", NOW + timedelta(days=1), "bob", 2))
    assert screen.see() == ["m1", "Monday, 23 November 2026", "next"]


def test_what_is_new_has_a_rule_above_it() -> None:
    """And none once it has been seen."""
    screen = Screen(3, height=3)
    screen.view.attention.marker = screen.view.lines[1]
    assert screen.see() == ["m2", "new", "m3"]
    screen.view.attention.marker = None
    assert screen.see() == ["m1", "m2", "m3"]


def test_a_view_that_is_no_room_has_no_beginning() -> None:
    """Hits and the client's words just begin."""
    screen = Screen(0)
    screen.view.target = "?"
    assert screen.see() == [""] * 5
    screen.back.page_up()
    assert screen.view.attention.anchor is None


def test_paint_is_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of painted lines is emptied when it is full."""
    monkeypatch.setattr("cli_client.screen.scrollback.CACHE_MAX", 2)
    screen = Screen(9)
    screen.see()
    assert len(screen.back._painted) <= 3
