"""A terminal's cells as HTML, from the output of `tmux capture-pane -e`, with its colours."""

import html
import re
from collections.abc import Iterator
from unicodedata import east_asian_width

# Each terminal chooses its own sixteen colours; these are legible on BACKGROUND.
PALETTE = (
    "#1d2430",
    "#e0707a",
    "#8fbf7f",
    "#d9b26a",
    "#78a9e6",
    "#c792d6",
    "#6cc0c0",
    "#c9d1dc",
    "#6b7686",
    "#f08f98",
    "#a9d69a",
    "#ecca8a",
    "#9cc3f2",
    "#dbb0e6",
    "#8fd6d6",
    "#f2f5f9",
)
FOREGROUND = "#d5dbe5"
BACKGROUND = "#151a22"
LEVELS = (0, 95, 135, 175, 215, 255)  # of red, green and blue in the 256 colours
ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}
ENDS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",)}

_SGR = re.compile(r"\x1b\[([\d;:]*)m")


class Pen:
    """The style of the next cells."""

    def __init__(self) -> None:
        self._attributes: set[str] = set()
        self._colours: dict[str, str] = {}  # "fg" and "bg", where they aren't the terminal's own

    def set(self, codes: Iterator[int]) -> None:
        """Take the numbers of one escape sequence."""
        for code in codes:
            if code == 0:
                self._attributes.clear()
                self._colours.clear()
            elif code in ATTRIBUTES:
                self._attributes.add(ATTRIBUTES[code])
            elif code in ENDS:
                self._attributes.difference_update(ENDS[code])
            elif code in (38, 48):
                self._colours["fg" if code == 38 else "bg"] = _extended(codes)
            elif code in (39, 49):
                self._colours.pop("fg" if code == 39 else "bg", None)
            else:
                self._set_basic(code)

    def _set_basic(self, code: int) -> None:
        for name, first, colour in (("fg", 30, 0), ("bg", 40, 0), ("fg", 90, 8), ("bg", 100, 8)):
            if first <= code < first + 8:
                self._colours[name] = PALETTE[code - first + colour]

    def style(self) -> str:
        """Return the CSS of a run of cells, empty for plain ones."""
        fg, bg = self._colours.get("fg"), self._colours.get("bg")
        if "reverse" in self._attributes:
            fg, bg = bg or BACKGROUND, fg or FOREGROUND
        rules = {
            "color": fg,
            "background": bg,
            "font-weight": "600" if "bold" in self._attributes else None,
            "opacity": ".6" if "dim" in self._attributes else None,
            "font-style": "italic" if "italic" in self._attributes else None,
            "text-decoration": "underline" if "underline" in self._attributes else None,
        }
        return ";".join(f"{name}:{value}" for name, value in rules.items() if value)


def _extended(codes: Iterator[int]) -> str:
    """Read the rest of 38;5;N or 38;2;R;G;B."""
    if next(codes) == 2:
        return f"rgb({next(codes)},{next(codes)},{next(codes)})"
    number = next(codes)
    if number < 16:
        return PALETTE[number]
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return f"rgb({grey},{grey},{grey})"
    red, rest = divmod(number - 16, 36)
    return "rgb({},{},{})".format(*(LEVELS[level] for level in (red, *divmod(rest, 6))))


def to_html(screen: str) -> str:
    """Return the inside of a `<pre>` for a styled screen; a cell of double width is a `<b>`."""
    return "".join(_runs(screen.removesuffix("\n"), Pen()))


def _runs(screen: str, pen: Pen) -> Iterator[str]:
    for number, part in enumerate(_SGR.split(screen)):
        if number % 2:
            pen.set(int(code or 0) for code in re.split("[;:]", part))
        elif part:
            style = pen.style()
            text = "".join(f"<b>{cell}</b>" if east_asian_width(cell) in "WF" else html.escape(cell) for cell in part)
            yield f'<span style="{style}">{text}</span>' if style else text
