"""The part of the screen that shows a view: its rows, from the place where the person has scrolled to.

The scroll position is a line (the view's anchor) and not a number: lines that are added above or below move nothing on
the screen.
"""

from prompt_toolkit.layout.controls import UIContent, UIControl

from cli_client.chat.book import Book
from cli_client.chat.display import isolate
from cli_client.chat.lines import Line
from cli_client.chat.views import View
from cli_client.screen.paint import Columns, Row, day_row, paint, rule_row

CACHE_MAX = 20_000  # painted lines


class Scrollback(UIControl):
    """Paints the book's current view into its window.

    Attributes:
        at_top: after a redraw, whether the view's first line is on the screen: it is time to fetch older messages.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._hidden: dict[str, int] = {}  # target -> rows of the anchor that are below the screen
        self._painted: dict[Line, tuple[object, list[Row]]] = {}
        self._height = 1
        self._columns = Columns(80)
        self.at_top = False

    def create_content(self, width: int, height: int) -> UIContent:
        """Paint exactly `height` rows."""
        if self._columns.width != width:
            self._columns = Columns(width)
            self._painted.clear()
        self._height = height
        rows = self._visible(self._book.current, height)
        return UIContent(get_line=lambda number: list(rows[number]), line_count=len(rows), show_cursor=False)

    def below(self) -> int:
        """Return how many lines are below the screen."""
        view = self._book.current
        if view.attention.anchor is None:
            return 0
        return len(view.lines) - 1 - view.lines.index(view.attention.anchor)

    def page_up(self) -> None:
        """Show the page above; the topmost row stays on the screen."""
        self.scroll(max(self._height - 1, 1))

    def page_down(self) -> None:
        """Show the page below; at the end, follow new lines."""
        self.scroll(-max(self._height - 1, 1))

    def to_end(self) -> None:
        """Go to the end, and follow new lines."""
        self._place(self._book.current, None, 0)

    def scroll(self, rows: int) -> None:
        """Move the view's end up (or, negative, down) by a number of rows."""
        view = self._book.current
        if not view.lines:
            return
        index = len(view.lines) - 1 if view.attention.anchor is None else view.lines.index(view.attention.anchor)
        hidden = (self._hidden.get(view.target, 0) if view.attention.anchor is not None else 0) + rows
        while hidden < 0 and index < len(view.lines) - 1:
            index += 1
            hidden += len(self._block(view, index))
        while index > 0 and hidden >= len(self._block(view, index)):
            hidden -= len(self._block(view, index))
            index -= 1
        if hidden < 0 or (index == len(view.lines) - 1 and hidden == 0):
            self._place(view, None, 0)
            return
        missing = self._height - self._rows_above(view, index, hidden)
        if rows > 0 and missing > 0:  # the view's first row stays at the top of the screen
            self._place(view, view.lines[index], hidden)
            self.scroll(-missing)
        else:
            self._place(view, view.lines[index], hidden)

    def _place(self, view: View, anchor: Line | None, hidden: int) -> None:
        self._book.scroll_to(anchor)
        self._hidden[view.target] = hidden

    def _rows_above(self, view: View, index: int, hidden: int) -> int:
        """Count the rows from the view's top to this place, but no more than a screen of them."""
        rows = -hidden
        while index >= 0 and rows < self._height:
            rows += len(self._block(view, index))
            index -= 1
        return rows + (len(self._top(view)) if index < 0 else 0)

    def _visible(self, view: View, height: int) -> list[Row]:
        index = len(view.lines) - 1
        hidden = 0
        if view.attention.anchor is not None:
            index = view.lines.index(view.attention.anchor)
            hidden = self._hidden.get(view.target, 0)
        blocks: list[list[Row]] = []
        rows = -hidden
        while index >= 0 and rows < height:
            blocks.append(self._block(view, index))
            rows += len(blocks[-1])
            index -= 1
        self.at_top = index < 0
        if self.at_top:
            blocks.append(self._top(view))
        flat = [row for block in reversed(blocks) for row in block]
        end = len(flat) - hidden
        seen = flat[max(end - height, 0) : max(end, 0)]
        return [[] for _ in range(height - len(seen))] + seen

    def _block(self, view: View, index: int) -> list[Row]:
        """Return the rows of a line, below the day if one begins there."""
        line = view.lines[index]
        begins = index == 0 or view.lines[index - 1].at.date() != line.at.date()
        is_new = index > 0 and view.lines[index - 1] is view.attention.marker
        state = (begins, is_new, line.fate, line.reason, line.mention, self._book.nickname)
        painted = self._painted.get(line)
        if painted is None or painted[0] != state:
            rows = paint(line, self._columns, self._book.nickname)
            if is_new:
                rows.insert(0, rule_row("new", self._columns, "class:new"))
            if begins:
                rows.insert(0, day_row(line.at.date(), self._columns))
            painted = (state, rows)
            if len(self._painted) > CACHE_MAX:
                self._painted.clear()
            self._painted[line] = painted
        return painted[1]

    def _top(self, view: View) -> list[Row]:
        if view.target[0] not in "#@":
            return []
        if view.more:
            return [rule_row("looking for more …", self._columns)]
        return [rule_row(f"the beginning of {isolate(view.target)}", self._columns)]
