"""Where the links in a text are; the page's links.js follows the same rule (tests/cases/links.json)."""

import re
from collections.abc import Iterator
from unicodedata import category

# An address ends before white space, angle brackets, quotation marks, backticks, characters that turn a text around,
# and the full-width punctuation of Chinese and Japanese, whose sentences go on without a space.
_ENDS = r"\s<>\"“”„‟«»‹›`\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_WIDE = (
    r"\u3001-\u3003\u3008-\u3011\u3014-\u301f\ufe10-\ufe19\ufe30-\ufe52"
    r"\uff01-\uff0c\uff0e\uff0f\uff1a-\uff20\uff3b-\uff3d\uff5b-\uff64"
)
_LINK = re.compile(rf"(?<!\w)https?://(?=[\w\[])[^{_ENDS}{_WIDE}]+", re.IGNORECASE)
_ENDS_A_SENTENCE = ".,;:!?'*)]}"  # the asterisks are Markdown's; other scripts have marks of their own
_OPENED_BY = {")": "(", "]": "[", "}": "{"}


def find_links(text: str) -> Iterator[tuple[int, int]]:
    """Yield the links of a text, first to last, as (start, end)."""
    for found in _LINK.finditer(text):
        yield found.start(), found.start() + _length(found[0])


def _length(address: str) -> int:
    """Return the length of an address without the end of the sentence around it.

    A full stop or a closing bracket at the end belongs to the sentence, unless the bracket was opened in the address.
    """
    surplus: dict[str, int] = {}
    end = len(address)
    while end and _may_end_a_sentence(address[end - 1]):
        character = address[end - 1]
        if character in _OPENED_BY:
            if character not in surplus:
                surplus[character] = address.count(character) - address.count(_OPENED_BY[character])
            if surplus[character] <= 0:
                break
            surplus[character] -= 1
        end -= 1
    return end


def _may_end_a_sentence(character: str) -> bool:
    return character in _ENDS_A_SENTENCE or (not character.isascii() and category(character)[0] == "P")
