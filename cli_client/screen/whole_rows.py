"""Rows that are written whole, from the first cell to the last, whenever anything in them changes.

Terminals disagree about the width of some characters: marks that take a cell of their own in the scripts of India, and
emojis that are younger than the terminal. A screen of which only the changed cells are written tears in such rows, for
each cell is reached by steps from the one before. In a row that is written whole nothing is reached by steps; a bar in
it, which has to stand in its column, is reached by the column's number.
"""

from collections import defaultdict
from unicodedata import category

from prompt_toolkit.application import get_app
from prompt_toolkit.layout import FloatContainer, Window
from prompt_toolkit.layout.mouse_handlers import MouseHandlers
from prompt_toolkit.layout.screen import Char, Screen, WritePosition

BAR = "│"
ABOVE_ALL = 10**9  # drawn after every menu
_NOTHING = Char("?", "class:unwritten")  # in no row: a cell that differs from what it was
_WHOLE = " class:whole"  # makes a blank differ from a cell that was never written


def is_disputed(text: str) -> bool:
    """Say whether terminals may disagree about the width of a cell's text."""
    if text.isascii():
        return False
    return len(text) > 1 or category(text) in ("Mc", "Cf", "Cn", "Co") or ord(text) >= 0x1F000


class WholeRows(FloatContainer):
    """A root container that has disputed rows written whole."""

    def write_to_screen(
        self,
        screen: Screen,
        mouse_handlers: MouseHandlers,
        write_position: WritePosition,
        parent_style: str,
        erase_bg: bool,
        z_index: int | None,
    ) -> None:
        super().write_to_screen(screen, mouse_handlers, write_position, parent_style, erase_bg, z_index)
        last = get_app().renderer.last_rendered_screen
        screen.draw_with_z_index(ABOVE_ALL, lambda: mark_whole(screen, last, write_position))


def mark_whole(screen: Screen, last: Screen | None, place: WritePosition) -> None:
    """Mark the disputed rows of a screen that is about to be written over the last one."""
    columns = range(place.xpos, place.xpos + place.width)
    for y in range(place.ypos, place.ypos + place.height):
        row = screen.data_buffer[y]
        is_new = any(is_disputed(cell.char) for cell in row.values())
        if is_new:
            _mark(row, screen.zero_width_escapes[y], columns)
        if last is None:
            continue
        was = last.data_buffer[y]
        if (is_new or any(is_disputed(cell.char) for cell in was.values())) and any(row[x] != was[x] for x in columns):
            last.data_buffer[y] = defaultdict(lambda: _NOTHING, dict.fromkeys(columns, _NOTHING))


def _mark(row: defaultdict[int, Char], escapes: defaultdict[int, str], columns: range) -> None:
    is_shifted = False
    for x in columns:
        cell = row[x]
        row[x] = Char(cell.char, cell.style + _WHOLE)
        if is_disputed(cell.char):
            is_shifted = True
        elif cell.char == BAR and is_shifted:
            escapes[x] += f"\x1b[{x + 1}G"
            is_shifted = False


def set_cursor_column(window: Window) -> None:
    """Put the cursor in its column by number: it came there by steps, and from a row that may be shifted."""
    app = get_app()
    screen = app.renderer.last_rendered_screen
    if screen is not None:
        app.output.write_raw(f"\x1b[{screen.get_cursor_position(window).x + 1}G")
        app.output.flush()
