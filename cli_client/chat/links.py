"""Where the links in a text are; the page's links.js follows the same rule (tests/cases/links.json)."""

import re
from collections import Counter

_LINK = re.compile(r"(?<!\w)https?://(?=[\w\[])[^\s<>\"“”]+", re.IGNORECASE)
_ENDS_A_SENTENCE = ".,;:!?'’»…"
_CLOSED_BY = {"(": ")", "[": "]", "{": "}"}


def find_links(text: str) -> list[tuple[int, int]]:
    """Return the links of a text, first to last, as (start, end)."""
    return [(found.start(), found.start() + _length(found[0])) for found in _LINK.finditer(text)]


def _length(address: str) -> int:
    """Return the length of an address without the end of the sentence around it.

    A full stop or a closing bracket at the end belongs to the sentence, unless the bracket was opened in the address.
    """
    surplus: Counter[str] = Counter()
    for character in address:
        if character in _CLOSED_BY:
            surplus[_CLOSED_BY[character]] -= 1
        elif character in ")]}":
            surplus[character] += 1
    end = len(address)
    while end:
        character = address[end - 1]
        if surplus[character] > 0:
            surplus[character] -= 1
        elif character not in _ENDS_A_SENTENCE:
            break
        end -= 1
    return end
