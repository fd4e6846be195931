"""The part of the screen that shows a view: its rows, from where somebody has scrolled to.

Owns the scroll position, which hangs on a line and not on a number: what is added above or below moves
nothing that is being read.
"""

from collections.abc import Callable

from prompt_toolkit.layout.controls import UIContent, UIControl

from cli_client.chat.views import Line, View
from cli_client.screen.paint import Frame, Row, day_row, paint, rule_row

CACHE_MAX = 20_000  # painted lines


class Scrollback(UIControl):
    """Paints the present view into the window that it is given.

    `view` says which; `me` is our nickname. After a redraw, `at_top` says whether the view's first line is on
    the screen, so that it is time to fetch what is above.
    """

    def __init__(self, view: Callable[[], View], me: Callable[[], str]) -> None:
        self._view = view
        self._me = me
        self._hidden: dict[str, int] = {}  # target -> rows of its anchor that are below the screen
        self._painted: dict[Line, tuple[object, list[Row]]] = {}
        self._height = 1
        self._frame = Frame(80)
        self.at_top = False

    def create_content(self, width: int, height: int) -> UIContent:
        """Paint what is to be seen, exactly as many rows as there are."""
        if self._frame.width != width:
            self._frame = Frame(width)
            self._painted.clear()
        self._height = height
        rows = self._visible(self._view(), height)
        return UIContent(get_line=lambda number: list(rows[number]), line_count=len(rows), show_cursor=False)

    def below(self) -> int:
        """Return how many lines are below the screen."""
        view = self._view()
        if view.anchor is None:
            return 0
        return len(view.lines) - 1 - view.lines.index(view.anchor)

    def page_up(self) -> None:
        """Show what is above, keeping one row of what was seen."""
        self.scroll(max(self._height - 1, 1))

    def page_down(self) -> None:
        """Show what is below; at the end, follow what comes."""
        self.scroll(-max(self._height - 1, 1))

    def to_end(self) -> None:
        """Follow what comes."""
        self._place(self._view(), None, 0)

    def scroll(self, rows: int) -> None:
        """Move the view's end up (or, negative, down) by a number of rows."""
        view = self._view()
        if not view.lines:
            return
        index = len(view.lines) - 1 if view.anchor is None else view.lines.index(view.anchor)
        hidden = (self._hidden.get(view.target, 0) if view.anchor is not None else 0) + rows
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
        if rows > 0 and missing > 0:  # the first row is not lower than the top of the screen
            self._place(view, view.lines[index], hidden)
            self.scroll(-missing)
        else:
            self._place(view, view.lines[index], hidden)

    def _place(self, view: View, anchor: Line | None, hidden: int) -> None:
        view.anchor = anchor
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
        if view.anchor is not None:
            index = view.lines.index(view.anchor)
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
        """Return the rows of a line, with the day above it if one begins there."""
        line = view.lines[index]
        begins = index == 0 or view.lines[index - 1].at.date() != line.at.date()
        is_new = index > 0 and view.lines[index - 1] is view.marker
        state = (begins, is_new, line.fate, line.reason, line.mention, self._me())
        painted = self._painted.get(line)
        if painted is None or painted[0] != state:
            rows = paint(line, self._frame, self._me())
            if is_new:
                rows.insert(0, rule_row("new", self._frame, "class:new"))
            if begins:
                rows.insert(0, day_row(line.at.date(), self._frame))
            painted = (state, rows)
            if len(self._painted) > CACHE_MAX:
                self._painted.clear()
            self._painted[line] = painted
        return painted[1]

    def _top(self, view: View) -> list[Row]:
        if view.target[0] not in "#@":
            return []
        if view.more:
            return [rule_row("looking for more …", self._frame)]
        return [rule_row(f"the beginning of {view.target}", self._frame)]
