"""row_window.js: which entries are in the document while they come in at both ends."""

from typing import Any

from playwright.sync_api import Page


def window(lab: Page, steps: str) -> Any:
    """Run steps on a window over 1,000 entries, k0 to k999; return its start and end."""
    return lab.evaluate(f"""() => {{
      const entries = (from, to) => Array.from({{ length: to - from }}, (_, at) => ({{ key: `k${{from + at}}` }}));
      const rows = new RowWindow();
      rows.setEntries(entries(0, 1000));
      {steps}
      return [rows.start, rows.end, rows.isFirst, rows.isLast, rows.shown.length];
    }}""")


def test_it_ends_at_the_newest(lab: Page) -> None:
    assert window(lab, "rows.toEnd();") == [760, 1000, False, True, 240]


def test_a_short_list_is_all_in_it(lab: Page) -> None:
    assert window(lab, "rows.setEntries(entries(0, 9)); rows.toEnd();") == [0, 9, True, True, 9]


def test_it_stands_while_the_reader_is_in_its_middle(lab: Page) -> None:
    """Entries that come in above move its numbers and not what is in it; news at the end stay out."""
    assert window(lab, "rows.centre(500); rows.around('k480');") == [380, 620, False, False, 240]
    older = "rows.centre(500); rows.setEntries([{ key: 'older' }, ...entries(0, 1001)]); rows.around('k480');"
    assert window(lab, older) == [381, 621, False, False, 240]


def test_it_moves_with_a_reader_near_its_edge(lab: Page) -> None:
    assert window(lab, "rows.centre(500); rows.around('k400');") == [280, 520, False, False, 240]
    assert window(lab, "rows.centre(500); rows.around('k600');") == [480, 720, False, False, 240]
    assert window(lab, "rows.centre(500); rows.around('k900');") == [780, 1000, False, True, 220]


def test_an_unknown_reader_leaves_it_within_the_list(lab: Page) -> None:
    """The entry that was read is gone: the oldest are forgotten, or the conversation is another one."""
    assert window(lab, "rows.toEnd(); rows.setEntries(entries(0, 300)); rows.around('gone');")[:2] == [60, 300]
    assert window(lab, "rows.toEnd(); rows.around(null);")[:2] == [760, 1000]
