"""What the word before the cursor may become; the page's completion.js proposes the same (tests/cases/completion.json).

Pure: what is known of rooms and people comes as `Known`; `screen.prompting` shows and applies the proposals.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cli_client.chat.commands import COMMANDS, TABLE, Takes
from tcp_server.protocol.names import fold

PROPOSALS_MAX = 20  # of rooms or people; more are found sooner by one more letter


@dataclass(frozen=True, slots=True)
class Known:
    """Rooms and people that may be meant.

    Attributes:
        rooms: rooms that one is in.
        listed: rooms that the server listed.
        spoke: who spoke in the present conversation, latest first.
        members: of the present room.
        directs: people with whom one talks directly.
    """

    nickname: str
    rooms: Sequence[str] = ()
    listed: Sequence[str] = ()
    spoke: Sequence[str] = ()
    members: Sequence[str] = ()
    directs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text for the word, and how it is shown in a list of proposals."""

    text: str
    label: str
    detail: str = ""


def complete(before: str, known: Known) -> tuple[int, list[Proposal]]:
    """Return where the word begins that ends `before`, the text up to the cursor, and the proposals for it."""
    word = "" if not before or before[-1].isspace() else before.rsplit(maxsplit=1)[-1]
    start = len(before) - len(word)
    if start == 0 and word.startswith("/"):
        return start, _commands(word[1:])
    if not word:
        return start, []
    match _argument(before[:start]):
        case Takes.COMMAND:
            return start, _command_names(word)
        case Takes.OWN_ROOM:
            return start, _rooms(word, known.rooms)
        case Takes.ANY_ROOM:
            return start, _rooms(word, [*known.rooms, *known.listed])
        case Takes.OPEN:
            rooms = [] if word.startswith("@") else _rooms(word, known.rooms)
            return start, [*rooms, *_people(word, known.directs, known)]
    if word.startswith("#"):
        return start, _rooms(word, [*known.rooms, *known.listed])
    after = ": " if start == 0 and not word.startswith("@") else " "
    return start, _people(word, [*known.spoke, *sorted(known.members, key=fold), *known.directs], known, after)


def _argument(before: str) -> Takes:
    """Return what the next word is of the command that begins a line."""
    name, *words = before.split() or [""]
    command = COMMANDS.get(name[1:].lower()) if name.startswith("/") else None
    if command is None or (words and command.takes is not Takes.ANY_ROOM):
        return Takes.TEXT
    return command.takes


def _commands(begun: str) -> list[Proposal]:
    return [
        Proposal(f"/{command.name} " if command.usage else f"/{command.name}", command.synopsis, command.help)
        for command in TABLE
        if command.name.startswith(begun.lower())
    ]


def _command_names(word: str) -> list[Proposal]:
    slash = "/" if word.startswith("/") else ""
    begun = word.removeprefix("/").lower()
    names = [command.name for command in TABLE if command.name.startswith(begun)]
    return [Proposal(f"{slash}{name} ", f"/{name}", COMMANDS[name].help) for name in names]


def _rooms(word: str, rooms: Iterable[str]) -> list[Proposal]:
    """Propose rooms by name, with a `#` if the word has one."""
    sign = "#" if word.startswith("#") else ""
    begun = fold(word.removeprefix("#"))
    found = {fold(room): room for room in rooms if fold(room).startswith(begun)}
    return [Proposal(f"{sign}{found[key]} ", f"#{found[key]}") for key in sorted(found)][:PROPOSALS_MAX]


def _people(word: str, people: Iterable[str], known: Known, after: str = " ") -> list[Proposal]:
    """Propose people in the given order, each once and never oneself, with an `@` if the word has one."""
    sign = "@" if word.startswith("@") else ""
    begun = fold(word.removeprefix("@"))
    found: dict[str, str] = {}
    for person in people:
        if fold(person).startswith(begun) and fold(person) != fold(known.nickname):
            found.setdefault(fold(person), person)
    return [Proposal(f"{sign}{person}{after}", person) for person in found.values()][:PROPOSALS_MAX]
