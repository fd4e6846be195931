"""What a nickname and a room may be called, and when two names are the same (PROTOCOL.md section 2).

Pure functions over strings. Everybody compares names by their keys: a `Nickname` and a `RoomName` carry theirs.
"""

import re
from functools import lru_cache
from typing import Self
from unicodedata import category, combining, normalize

NICKNAME_MAX = 32  # code points, as sent and after NFKC
ROOM_MAX = 64
NAME_MARKS_MAX = 4  # combining characters in a row; Vietnamese and Hebrew need two, scholars' alphabets four
TEXT_MARKS_MAX = 30  # of any text (UAX #15, Stream-Safe): normalization takes quadratic time in a run of them
RESERVED = frozenset({"server", "system", "admin", "root", "operator"})
LOBBY = "lobby"

_PUNCTUATION = frozenset("-_.[]{}^|")
_PLAIN = re.compile(r"[a-z0-9_.\[\]{}^|-]+")
# Default_Ignorable_Code_Point of the Unicode Character Database (DerivedCoreProperties.txt, 16.0). Only
# those that are letters or marks matter here, the others fall to their category; all are listed, so that
# the table can be held against its source.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class NameFault(ValueError):
    """A name breaks the rules.

    Attributes:
        too_long: the name has more characters than allowed; nothing else was looked at.
    """

    def __init__(self, text: str, *, too_long: bool = False) -> None:
        super().__init__(text)
        self.too_long = too_long


class Name(str):
    """A name as it is shown, and the key that it shares with every other spelling of itself.

    A parser makes names by `checked_nickname` and `checked_room`. A client that only sends a name gives no key.
    """

    __slots__ = ("key",)

    key: str

    def __new__(cls, text: str, key: str = "") -> Self:
        name = super().__new__(cls, text)
        name.key = key
        return name


class Nickname(Name):
    __slots__ = ()


class RoomName(Name):
    __slots__ = ()


def has_long_run(text: str, most: int) -> bool:
    """Say whether more than `most` characters of a combining class other than 0 stand in a row."""
    if text.isascii():
        return False
    run = 0
    for character in text:
        run = run + 1 if combining(character) else 0
        if run > most:
            return True
    return False


def fold_text(text: str) -> str:
    """Return the form in which texts are compared: NFKC, case folding, NFKC.

    The text's length and its runs of marks must be bounded: see `has_long_run`.
    """
    return normalize("NFKC", normalize("NFKC", text).casefold())


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """Return the form that two names share if and only if they are the same name; a longer text is no name."""
    return fold_text(name) if len(name) <= ROOM_MAX else name


def shown(name: str) -> str:
    """Return the form in which a name is shown: as first written, in NFC."""
    return normalize("NFC", name)


@lru_cache(maxsize=4096)
def nickname_key(name: str) -> str:
    """Return the folded form of a nickname that may be used.

    Raises:
        NameFault: it may not; the text says why. Reserved nicknames are well formed, see `RESERVED`.
    """
    return _key(name, NICKNAME_MAX)


@lru_cache(maxsize=4096)
def room_key(name: str) -> str:
    """Return the folded form of a room's name, without the one leading `#` that it may have.

    Raises:
        NameFault: it may not be a room's name; the text says why.
    """
    return _key(name.removeprefix("#"), ROOM_MAX)


def checked_nickname(text: str) -> Nickname:
    """Return a nickname as it is shown, with its key.

    Raises:
        NameFault: as `nickname_key`.
    """
    key = nickname_key(text)  # first: a faulty text may be long, and dear to normalize
    return Nickname(shown(text), key)


def checked_room(text: str) -> RoomName:
    """Return a room's name as it is shown, without the one leading `#` that it may have, with its key.

    Raises:
        NameFault: as `room_key`.
    """
    key = room_key(text)
    return RoomName(room_shown(text), key)


def room_shown(name: str) -> str:
    """Return a valid room's name as it is shown."""
    return shown(name.removeprefix("#"))


def _key(name: str, most: int) -> str:
    if len(name) <= most and _PLAIN.fullmatch(name):
        return name
    if not name:
        raise NameFault("is empty")
    if len(name) > most:
        raise NameFault(f"has more than {most} characters", too_long=True)
    compatible = normalize("NFKC", name)
    if len(compatible) > most:
        raise NameFault(f"has more than {most} characters", too_long=True)
    for form in (name, compatible):
        if has_long_run(form, NAME_MARKS_MAX):
            raise NameFault(f"has more than {NAME_MARKS_MAX} marks in a row")
        for character in form:
            if not _allowed(character):
                raise NameFault(f"may not hold U+{ord(character):04X}")
    return fold(name)


def _allowed(character: str) -> bool:
    if character in _PUNCTUATION:
        return True
    if _IGNORABLE.match(character):
        return False
    kind = category(character)
    return kind[0] in "LM" or kind == "Nd"
