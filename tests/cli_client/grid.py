"""What a terminal shows after the bytes that were written to it: as much of one as the client uses."""

import codecs
import re
from collections.abc import Callable

from prompt_toolkit.utils import get_cwidth

_CONTROL = re.compile(r"\x1b\[([?>0-9;]*)([a-zA-Z])|\x1b\][^\x07]*\x07|\x1b[=>78]|\x1b[()].|\r|\n|\x08|\x07")


class Grid:
    """Rows and columns of characters, and a cursor. Rows never wrap: the client turns that off."""

    def __init__(self, columns: int, rows: int, width_of: Callable[[str], int] = get_cwidth) -> None:
        self._width_of = width_of  # terminals disagree about some characters
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._left = ""
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Begin with an empty screen of this size."""
        self._cells = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0

    @property
    def text(self) -> str:
        """The screen, row by row."""
        return "\n".join("".join(row).rstrip() for row in self._cells)

    def feed(self, data: bytes) -> None:
        """Show what was written."""
        text = self._left + self._decode(data)
        at = 0
        for control in _CONTROL.finditer(text):
            self._print(text[at : control.start()])
            self._obey(control[0], control[1] or "", control[2] or "")
            at = control.end()
        rest = text[at:]
        escape = rest.rfind("\x1b")  # the beginning of a sequence whose end is in the next bytes
        self._print(rest if escape < 0 else rest[:escape])
        self._left = "" if escape < 0 else rest[escape:]

    def _print(self, text: str) -> None:
        for character in text:
            assert character >= " ", f"a raw {character!r} reached the terminal"
            if not self._width_of(character) and 0 < self._column <= len(self._cells[self._row]):
                self._cells[self._row][self._column - 1] += character  # a mark on the character before it
            elif self._column < len(self._cells[self._row]):
                self._cells[self._row][self._column] = character
                for column in range(self._column + 1, self._column + self._width_of(character)):
                    self._cells[self._row][column : column + 1] = [""]
            self._column += self._width_of(character)

    def _obey(self, control: str, arguments: str, name: str) -> None:
        number = int(arguments.split(";")[0] or 1) if arguments.replace(";", "").isdecimal() else 1
        row = self._cells[self._row]
        match name or control:
            case "A":
                self._row -= number
            case "B" | "\n":
                self._row += 1 if control == "\n" else number
            case "C":
                self._column += number
            case "D" | "\x08":
                self._column -= 1 if control == "\x08" else number
            case "\r":
                self._column = 0
            case "G":
                self._column = number - 1
            case "H":
                where = [int(part or 1) for part in arguments.split(";")] if arguments else [1, 1]
                self._row, self._column = where[0] - 1, where[-1] - 1
            case "K":
                row[self._column :] = [" "] * (len(row) - self._column)
            case "J":
                first = 0 if arguments == "2" else self._row
                if first == self._row:
                    row[self._column :] = [" "] * (len(row) - self._column)
                for cells in self._cells[first + (first == self._row and arguments != "2") :]:
                    cells[:] = [" "] * len(cells)
        if self._row >= len(self._cells):  # a terminal scrolls
            self._cells = [*self._cells[1:], [" "] * len(row)]
        self._row = min(max(self._row, 0), len(self._cells) - 1)
