"""Text in the cells of a terminal: its width, and the rows that it is cut into.

A wide character takes two cells, a mark on another character none. Pure functions over strings.
"""

import re
from collections.abc import Iterator
from unicodedata import category

from prompt_toolkit.utils import get_cwidth

# Terminals join some characters to one emoji and disagree about its width; a screen that is drawn cell by cell then
# tears. Parted, each piece is as wide as it was counted: a family becomes its members, a flag its two letters.
_JOINER = re.compile("\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])")  # scripts of India need the others
_PARTED: dict[int, str | None] = {
    **dict.fromkeys((0xFE0E, 0xFE0F, 0x20E3, *range(0x1F3FB, 0x1F400))),
    **{0x1F1E6 + number: chr(ord("A") + number) for number in range(26)},
}
_ANY_PARTED = re.compile(f"[{''.join(map(chr, _PARTED))}]")
# Characters of one cell, without a mark among them: Latin, Greek, Cyrillic and Armenian letters.
_NARROW = re.compile("[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u037b-\u037f\u0384-\u0482\u048a-\u0556]*")


class _Widths(dict[str, int]):
    """The cells of each character that was met; negative for a mark that some terminals give a cell of its own."""

    def __missing__(self, character: str) -> int:
        cells = get_cwidth(character)
        self[character] = cells = cells or -(category(character) == "Mc")
        return cells


_CELLS = _Widths()


def part_emojis(text: str) -> str:
    """Return the text with every emoji in pieces whose width all terminals agree about."""
    if text.isascii():
        return text
    text = _JOINER.sub("", text)
    return text.translate(_PARTED) if _ANY_PARTED.search(text) else text


def clusters(text: str) -> Iterator[str]:
    """Yield the text in pieces that must stay together: a character and the marks on it."""
    start = 0
    for index in range(1, len(text)):
        if get_cwidth(text[index]) > 0 or text[index] in "\n\t":
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


def room_for(text: str) -> int:
    """Return the cells that a terminal may need for a text: some give a cell to a mark that others put on a letter."""
    if text.isascii():
        return len(text)
    return sum(abs(_CELLS[character]) for character in text)


def clip(text: str, cells: int) -> str:
    """Return the text cut to a width in cells, with `…` where something was cut off."""
    if room_for(text) <= cells:
        return text
    kept = ""
    left = cells - 1
    for cluster in clusters(text):
        left -= room_for(cluster)
        if left < 0:
            break
        kept += cluster
    return f"{kept}…" if cells > 0 else ""


def wrap(text: str, first: int, further: int) -> list[tuple[int, int]]:
    """Cut a text without newlines into rows: the first of at most `first` cells, the others of `further`.

    Returns:
        The slices (start, end) of the rows, at least one. The white space at which a row was cut is in none.
    """
    cells = max(first, 2)  # a wide character needs two
    if len(text) <= cells and text.isascii():
        return [(0, len(text))]
    rows: list[tuple[int, int]] = []
    start = 0
    while True:
        fits = _measure(text, start, cells)
        if fits == len(text):
            return [*rows, (start, fits)]
        end = following = fits
        gap = fits
        while gap > start and not text[gap].isspace():
            gap -= 1
        if gap > start:
            following = _skip_blank(text, gap)
            end = max(len(text[start:gap].rstrip()) + start, start + 1)
        rows.append((start, end))
        if following >= len(text):
            return rows
        start = following
        cells = max(further, 2)


def _measure(text: str, start: int, cells: int) -> int:
    """Return where a row that begins at `start` is full."""
    if _NARROW.fullmatch(text, start, min(start + cells + 1, len(text))):
        return min(start + cells, len(text))
    begin = start  # of the character that the marks after it are on
    end = min(len(text), start + 4 * cells + 8)
    for index in range(start, end):
        width = _CELLS[text[index]]
        if width > 0:
            begin = index
        cells -= abs(width)
        if cells < 0:
            return max(begin, start + 1)
    return end


def _skip_blank(text: str, index: int) -> int:
    while index < len(text) and text[index].isspace():
        index += 1
    return index
