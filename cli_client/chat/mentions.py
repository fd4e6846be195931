"""Whether a text speaks of somebody; the page's mentions.js follows the same rule (tests/cases/mentions.json).

A mention is a whole name by the alphabet of names (PROTOCOL.md section 2), outside of links and code. A name of fewer
than three characters is often a word, so only an `@` in front of it makes a mention.
"""

import re
from unicodedata import category, normalize

from cli_client.chat.links import find_links
from tcp_server.protocol.names import fold, fold_text

SHORT = 3  # characters; a name of fewer needs its `@`

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_BLANK = "`"  # takes the place of code and links: it parts names, and is no space
_LONG = re.compile("[\ufdfa\ufdfb]")  # one character each, and whole phrases once they are folded
_SIGNS = frozenset("-_.[]{}^|")  # of the alphabet of names
_SENTENCE = ".-[]{}"  # those that may belong to the sentence where they begin or end a run


def mentions(text: str, nickname: str) -> bool:
    """Say whether a text mentions a nickname, in any spelling."""
    name = fold(nickname)
    if not name or not _parts(name) <= _parts("".join(set(text))):
        return False
    spoken = fold_text(_LONG.sub(_BLANK, _without_links(_CODE.sub(_BLANK, text))))
    at = spoken.find(name)
    while at >= 0:
        if _is_whole(spoken, name, at) and (len(nickname) >= SHORT or _is_called(spoken, at)):
            return True
        at = spoken.find(name, at + 1)
    return False


def _parts(text: str) -> set[str]:
    """Return the characters of a text without their marks and spellings; each is looked at once, however long it is."""
    return set(normalize("NFKD", normalize("NFKD", text).casefold()))


def _without_links(text: str) -> str:
    kept: list[str] = []
    done = 0
    for start, end in find_links(text):
        kept += (text[done:start], _BLANK)
        done = end
    return "".join((*kept, text[done:]))


def _is_of_a_name(character: str) -> bool:
    kind = category(character)
    return kind[0] in "LM" or kind == "Nd" or character in _SIGNS


def _is_whole(text: str, name: str, at: int) -> bool:
    """Say whether the name at this place is no part of a longer one, but for signs of the sentence around it."""
    start, end = _start_of_signs(text, at), at + len(name)
    while end < len(text) and text[end] in _SENTENCE:
        end += 1
    is_alone = (start == 0 or not _is_of_a_name(text[start - 1])) and (end == len(text) or not _is_of_a_name(text[end]))
    return is_alone and (bool(name.strip(_SENTENCE)) or (start == at and end == at + len(name)))


def _start_of_signs(text: str, at: int) -> int:
    while at and text[at - 1] in _SENTENCE:
        at -= 1
    return at


def _is_called(text: str, at: int) -> bool:
    """Say whether an `@` stands before a name, and no name before the `@`, which would make an address."""
    at = _start_of_signs(text, at)
    if not at or text[at - 1] != "@":
        return False
    return at == 1 or not _is_of_a_name(text[at - 2])
