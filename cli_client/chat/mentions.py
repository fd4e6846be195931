"""Whether a text speaks of somebody; the page's mentions.js follows the same rule (tests/cases/mentions.json).

A mention is a whole name by the alphabet of names (PROTOCOL.md section 2), outside of links and code. A name of fewer
than three characters is often a word, so only an `@` in front of it makes a mention.
"""

import re
from itertools import groupby
from unicodedata import category

from cli_client.chat.links import find_links
from tcp_server.protocol.names import fold, fold_text

SHORT = 3  # characters; a name of fewer needs its `@`

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_BLANK = "`"  # takes the place of code and links: it parts names, and is no space
_SIGNS = frozenset("-_.[]{}^|")  # of the alphabet of names
_SENTENCE = ".-[]{}"  # those that may belong to the sentence where they begin or end a run


def mentions(text: str, nickname: str) -> bool:
    """Say whether a text mentions a nickname, in any spelling."""
    name = fold(nickname)
    spoken = fold_text(_without_links(_CODE.sub(_BLANK, text)))
    if name not in spoken:
        return False
    runs = ["".join(run) for _, run in groupby(spoken, _is_of_a_name)]
    return any(_is_whole(run, name) and (len(nickname) >= SHORT or _is_called(runs, at)) for at, run in enumerate(runs))


def _without_links(text: str) -> str:
    for start, end in reversed(find_links(text)):
        text = f"{text[:start]}{_BLANK}{text[end:]}"
    return text


def _is_of_a_name(character: str) -> bool:
    kind = category(character)
    return kind[0] in "LM" or kind == "Nd" or character in _SIGNS


def _is_whole(run: str, name: str) -> bool:
    """Say whether a run of the alphabet's characters is the name, but for signs of the sentence around it."""
    core = name.strip(_SENTENCE)
    if not core or run.strip(_SENTENCE) != core:
        return run == name
    lead, _, trail = run.partition(core)
    name_lead, _, name_trail = name.partition(core)
    return lead.endswith(name_lead) and trail.startswith(name_trail)


def _is_called(runs: list[str], at: int) -> bool:
    """Say whether an `@` stands before a run, and no name before the `@`, which would make an address."""
    return at > 0 and runs[at - 1].endswith("@") and (at == 1 or runs[at - 1] != "@")
