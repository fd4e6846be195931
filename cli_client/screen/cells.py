"""Text in the cells of a terminal: its width, and the rows that it is cut into.

A wide character takes two cells, a mark on another character none. Pure functions over strings.
"""

import re
from collections.abc import Iterator

from prompt_toolkit.utils import get_cwidth

_BREAK = re.compile(r"\s+")
# Terminals join some characters to one emoji and disagree about its width; a screen that is drawn cell by cell then
# tears. Parted, each piece is as wide as it was counted: a family becomes its members, a flag its two letters.
_JOINER = re.compile("\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])")  # scripts of India need the others
_PARTED: dict[int, str | None] = {
    **dict.fromkeys((0xFE0E, 0xFE0F, 0x20E3, *range(0x1F3FB, 0x1F400))),
    **{0x1F1E6 + number: chr(ord("A") + number) for number in range(26)},
}


def part_emojis(text: str) -> str:
    """Return the text with every emoji in pieces whose width all terminals agree about."""
    return text if text.isascii() else _JOINER.sub("", text).translate(_PARTED)


def clusters(text: str) -> Iterator[str]:
    """Yield the text in pieces that must stay together: a character and the marks on it."""
    start = 0
    for index in range(1, len(text)):
        if get_cwidth(text[index]) > 0 or text[index] in "\n\t":
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


def clip(text: str, cells: int) -> str:
    """Return the text cut to a width in cells, with `…` where something was cut off."""
    if get_cwidth(text) <= cells:
        return text
    kept = ""
    left = cells - 1
    for cluster in clusters(text):
        left -= get_cwidth(cluster)
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
        for gap in _BREAK.finditer(text, start + 1, fits + 1):
            end, following = gap.start(), _skip_blank(text, gap.end())
        rows.append((start, end))
        if following >= len(text):
            return rows
        start = following
        cells = max(further, 2)


def _measure(text: str, start: int, cells: int) -> int:
    """Return where a row that begins at `start` is full."""
    index = start
    for cluster in clusters(text[start : start + 4 * cells + 8]):
        cells -= get_cwidth(cluster)
        if cells < 0:
            return max(index, start + 1)
        index += len(cluster)
    return index


def _skip_blank(text: str, index: int) -> int:
    while index < len(text) and text[index].isspace():
        index += 1
    return index
