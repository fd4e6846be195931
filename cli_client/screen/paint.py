"""Lines of a view, painted as rows of styled text for a terminal of any width.

Pure. A row is a list of (style, text), as prompt_toolkit has it. Every text passes `defuse` here.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TypeAlias

from prompt_toolkit.utils import get_cwidth

from cli_client.chat.display import defuse, defuse_line, isolate
from cli_client.chat.lines import Fate, Kind, Line
from cli_client.chat.links import find_links
from cli_client.screen.cells import clip, part_emojis, room_for, wrap
from cli_client.screen.colours import NICK_COLOURS
from tcp_server.protocol.names import fold

Row: TypeAlias = list[tuple[str, str]]

WIDE = 64  # cells from which nicknames have a column of their own
NARROW = 40  # cells under which there is no room for the time
NICK_CELLS = 12
TAB = "    "
LINKS_MAX = 100  # that are underlined in one text, as on the page
ROWS_MAX = 1000  # of one text; nobody reads a message of so many, and painting it would hold up the others
SIGNS = {
    Kind.ACTION: "*",
    Kind.JOIN: "→",
    Kind.LEAVE: "←",
    Kind.TOPIC: "·",
    Kind.NICK: "·",
    Kind.NOTICE: "!",
    Kind.INFO: "",
    Kind.ERROR: "×",
}
BODY_STYLES = {
    Kind.JOIN: "class:dim",
    Kind.LEAVE: "class:dim",
    Kind.NICK: "class:dim",
    Kind.TOPIC: "class:dim",
    Kind.ACTION: "class:action",
    Kind.NOTICE: "class:notice",
    Kind.INFO: "class:info",
    Kind.ERROR: "class:error",
}
_COLUMN = re.compile(r"\S+( \S+)* {2,}")  # the first column of a table, as /help prints one


@dataclass(frozen=True, slots=True)
class Columns:
    """The width of the screen in cells, and the layout that follows from it."""

    width: int

    @property
    def head_cells(self) -> int:
        """The cells before a message's text, on its first row."""
        return (6 if self.width >= NARROW else 0) + (NICK_CELLS + 3 if self.width >= WIDE else 0)


def nick_style(nickname: str) -> str:
    """Return the style of a nickname, the same on every screen and day."""
    return f"class:nick{zlib.crc32(fold(nickname).encode(errors='replace')) % len(NICK_COLOURS)}"


def paint(line: Line, columns: Columns, me: str) -> list[Row]:
    """Return the rows of a line on a screen of this width."""
    head = _head(line, columns, me)
    body, indent = _body(line, columns, me)
    cells = max(columns.width - columns.head_cells, 8)
    blank: Row = [("", " " * (columns.head_cells - 2)), ("class:bar", "│ ")] if columns.width >= WIDE else []
    if not blank and columns.head_cells:
        blank = [("", " " * columns.head_cells)]
    rows: list[Row] = []
    for row in islice(_wrap(body, cells, indent), ROWS_MAX):
        rows.append([*(head if not rows else blank), *row])
    if len(rows) == ROWS_MAX:
        rows[-1] = [*blank, ("class:dim", clip("… the rest is not shown; /export has it", cells))]
    return rows


def day_row(day: date, columns: Columns) -> Row:
    """Return the row between two days."""
    return rule_row(f"{day:%A}, {day.day} {day:%B %Y}", columns)


def rule_row(text: str, columns: Columns, style: str = "class:day") -> Row:
    """Return a row with a text in the middle of a line."""
    text = clip(f" {text} ", columns.width)
    left = max((columns.width - get_cwidth(text)) // 2, 0)
    right = max(columns.width - get_cwidth(text) - left, 0)
    return [(style, f"{'─' * left}{text}{'─' * right}")]


def _head(line: Line, columns: Columns, me: str) -> Row:
    """Return the cells before the text: the time, and on a wide screen the speaker."""
    row: Row = [("class:time", f"{line.at:%H:%M} ")] if columns.width >= NARROW else []
    if columns.width < WIDE:
        return row
    if line.kind is Kind.HIT:
        who, style = str(line.number), "class:number"
    elif line.kind is Kind.MESSAGE:
        who, style = isolate(clip(defuse_line(line.nickname), NICK_CELLS)), _who_style(line, me)
    else:
        who, style = SIGNS[line.kind], BODY_STYLES[line.kind]
    most = room_for(who)  # the terminal may give it more cells than were counted: then they are taken from the blanks
    after = " " * (most - get_cwidth(who))
    return [*row, ("", " " * (NICK_CELLS - most)), (style, who), ("class:bar", f"{after} │ ")]


def _who_style(line: Line, me: str) -> str:
    if line.mention:
        return f"{nick_style(line.nickname)} reverse"
    mine = fold(line.nickname) == fold(me)
    return f"{nick_style(line.nickname)} bold" if mine else nick_style(line.nickname)


def _body(line: Line, columns: Columns, me: str) -> tuple[Row, int]:
    """Return the text with the words around it, and the indent of its further rows."""
    row: Row = []
    style = BODY_STYLES.get(line.kind, "")
    name = isolate(defuse_line(line.nickname))
    inline = columns.width < WIDE
    if inline and line.kind is Kind.HIT:
        row.append(("class:number", f"{line.number} "))
    elif inline and SIGNS.get(line.kind):
        row.append((style, f"{SIGNS[line.kind]} "))
    if line.kind is Kind.HIT:
        row.append(("class:dim", f"{line.at:%Y-%m-%d} {isolate(defuse_line(line.target))} "))
    if name and (inline or line.kind is not Kind.MESSAGE):
        row.append((f"{_who_style(line, me)} {style if line.kind is not Kind.ACTION else ''}".strip(), name))
        row.append(("", ": " if line.kind is Kind.HIT else " "))
    if line.fate is Fate.PENDING:
        style = "class:pending"
    elif line.fate is Fate.FAILED:
        style = "class:failed"
    elif line.mention and line.kind is Kind.MESSAGE:
        style = "class:mention"
    row += _mark_links(part_emojis(defuse(line.text)).replace("\t", TAB), style)
    if line.fate is Fate.PENDING:
        row.append(("class:pending", f" … {defuse_line(line.reason)}".rstrip()))
    elif line.fate is Fate.FAILED:
        row.append(("class:failed", f" × not sent: {defuse_line(line.reason)}; /retry or /drop"))
    if line.kind is Kind.INFO and (column := _COLUMN.match(line.text)):
        return row, min(column.end(), columns.width // 3)
    return row, 2 if inline else 0


def _mark_links(text: str, style: str) -> Row:
    row: Row = []
    at = 0
    for start, end in islice(find_links(text), LINKS_MAX):
        row.append((style, text[at:start]))
        row.append((f"{style} class:link".strip(), text[start:end]))
        at = end
    row.append((style, text[at:]))
    return [(style, part) for style, part in row if part]


def _wrap(body: Row, cells: int, indent: int) -> Iterator[Row]:
    """Cut styled text into rows: at its newlines, and where a row is full."""
    text = "".join(part for _, part in body)
    cut = _Cutter(body)
    start = 0
    first = True
    for paragraph in text.split("\n"):
        for begin, end in wrap(paragraph, cells - (0 if first else indent), cells - indent):
            row = cut.between(start + begin, start + end)
            yield row if first else [("", " " * indent), *row]
            first = False
        start += len(paragraph) + 1


class _Cutter:
    """Cuts a styled text into pieces, from its start to its end: each part is looked at once."""

    def __init__(self, body: Row) -> None:
        self._body = body
        self._number = 0  # of the part where the last piece ended
        self._at = 0  # where that part begins

    def between(self, start: int, end: int) -> Row:
        """Return the piece between two places, neither before the last piece."""
        row: Row = []
        while self._number < len(self._body):
            style, part = self._body[self._number]
            piece = part[max(start - self._at, 0) : max(end - self._at, 0)]
            if piece:
                row.append((style, piece))
            if self._at + len(part) > end:
                break
            self._at += len(part)
            self._number += 1
        return row
