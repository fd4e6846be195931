"""The table of commands, and what a typed line is: a command or a text.

The page's commands.js has the same table and reads the same (tests/cases/commands.json, typed.json).
"""

import enum
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from unicodedata import category

from cli_client.chat import handlers
from cli_client.chat.effects import Effect
from cli_client.chat.handlers import Chat, CommandFault
from cli_client.chat.keys import KEYS
from cli_client.library.text import sendable
from tcp_server.protocol import names

SEARCH_HELP = "Find messages that hold all the words; from:NICKNAME in:ROOM since:DATE before:DATE narrow it down"

_EMPTY_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")


class Takes(enum.Enum):
    """What the first word after a command is, for its completion."""

    TEXT = enum.auto()
    OWN_ROOM = enum.auto()  # one that the user is in
    ANY_ROOM = enum.auto()  # and so are all further words
    OPEN = enum.auto()  # a room or conversation that is open
    COMMAND = enum.auto()


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table. `usage` is what follows the name; `least` is how many words must."""

    name: str
    usage: str
    least: int
    help: str
    example: str
    run: Callable[[Chat, str], Sequence[Effect]]
    aliases: tuple[str, ...] = ()
    takes: Takes = Takes.TEXT

    @property
    def synopsis(self) -> str:
        return f"/{self.name} {self.usage}".rstrip()


def read(typed: str) -> tuple[Command, str] | str:
    """Return the command that a typed line names, with the rest of the line; or the text that the line says.

    A first word of a slash and letters, digits or `-` is a command or a slip, and never sent; one with a further
    slash is text. Two slashes stand for one. A text keeps its indentation: it may come out of a program.

    Raises:
        CommandFault: there is no such command, or the command lacks a word.
    """
    typed = sendable(typed)
    word, *others = typed.split(maxsplit=1)[:2] or [""]
    name = word[1:].lower()
    if not word.startswith("/") or not (name in COMMANDS or all(map(_is_of_a_command, name))):
        text = _EMPTY_LINES.sub("", typed).rstrip()
        return text[1:] if text.startswith("//") else text
    rest = "".join(others).rstrip()
    command = COMMANDS.get(name)
    if command is None:
        raise CommandFault(f"there is no command {word}; /help lists them, // sends a text that begins with /")
    if len(rest.split()) < command.least:
        raise CommandFault(f"usage: {command.synopsis}")
    return command, rest


def run(chat: Chat, command: Command, rest: str) -> Sequence[Effect]:
    """Carry out a command.

    Raises:
        CommandFault: it can't be done; nothing was.
    """
    try:
        return command.run(chat, rest)
    except names.NameFault as fault:
        raise CommandFault(f"the name {fault}; usage: {command.synopsis}") from None


def _is_of_a_command(character: str) -> bool:
    kind = category(character)
    return kind[0] in "LM" or kind == "Nd" or character == "-"


def _help(chat: Chat, rest: str) -> Sequence[Effect]:
    if rest:
        command = COMMANDS.get(rest.removeprefix("/").lower())
        if command is None:
            raise CommandFault(f"there is no command /{rest.removeprefix('/')}; /help lists them")
        also = f" (also {', '.join(f'/{alias}' for alias in command.aliases)})" if command.aliases else ""
        example = f", as in {command.example}" if command.usage else ""
        return chat.note(f"{command.synopsis}: {command.help}{example}{also}")
    rows = [(command.synopsis, command.help) for command in TABLE]
    if chat.paged:
        rows += [(key.keys, key.does) for key in KEYS]
    width = max(len(first) for first, _ in rows)
    return [action for first, second in rows for action in chat.note(f"{first:<{width}}  {second}")]


TABLE: tuple[Command, ...] = (
    Command(
        "join",
        "ROOM, …",
        1,
        "Enter a room; it is made if there is none",
        "/join dev",
        handlers.join,
        aliases=("j",),
        takes=Takes.ANY_ROOM,
    ),
    Command(
        "leave",
        "[ROOM] [REASON]",
        0,
        "Leave a room, or close a conversation",
        "/leave #dev see you tomorrow",
        handlers.leave,
        aliases=("part",),
        takes=Takes.OWN_ROOM,
    ),
    Command(
        "msg",
        "NICKNAME [TEXT]",
        1,
        "Write to one person alone",
        "/msg bob lunch?",
        handlers.msg,
        aliases=("query", "w", "whisper"),
    ),
    Command("me", "TEXT", 1, "Say what you do", "/me waves", handlers.me),
    Command("nick", "NICKNAME", 1, "Take another nickname", "/nick alice-2", handlers.nick),
    Command(
        "topic",
        "[TEXT]",
        0,
        "Show or set the topic of the room; - clears it",
        "/topic Release on Friday",
        handlers.topic,
    ),
    Command(
        "users",
        "[ROOM]",
        0,
        "List the members of a room",
        "/users dev",
        handlers.users,
        aliases=("names", "who"),
        takes=Takes.ANY_ROOM,
    ),
    Command("rooms", "", 0, "List the rooms that have members", "/rooms", handlers.rooms, aliases=("list",)),
    Command(
        "history", "[NUMBER]", 0, "Show earlier messages; in a pipe, list the last NUMBER", "/history", handlers.history
    ),
    Command(
        "search",
        "WORDS",
        1,
        SEARCH_HELP,
        "/search release from:bob since:2026-11-01",
        handlers.search,
        aliases=("find",),
    ),
    Command("more", "", 0, "Show older hits of the search", "/more", handlers.more),
    Command("context", "NUMBER", 1, "Show the messages around a hit", "/context 2", handlers.context, aliases=("c",)),
    Command(
        "export",
        "[FILE]",
        0,
        "Save every message that you may see, as JSON Lines",
        "/export chat.jsonl",
        handlers.export,
    ),
    Command(
        "switch",
        "[WHERE]",
        0,
        "Look at another room or conversation, or list them",
        "/switch dev",
        handlers.switch,
        aliases=("s", "go"),
        takes=Takes.OPEN,
    ),
    Command("close", "", 0, "Close the conversation that is shown, or leave the room", "/close", handlers.close),
    Command("retry", "", 0, "Send the failed messages shown here again", "/retry", handlers.retry),
    Command("drop", "", 0, "Discard the failed messages shown here", "/drop", handlers.drop),
    Command(
        "help",
        "[COMMAND]",
        0,
        "Explain the commands and keys",
        "/help search",
        _help,
        aliases=("h", "?"),
        takes=Takes.COMMAND,
    ),
    Command(
        "quit",
        "[MESSAGE]",
        0,
        "Leave the chat; unsent messages are kept",
        "/quit good night",
        handlers.quit,
        aliases=("exit", "q", "bye"),
    ),
)
COMMANDS: dict[str, Command] = {name: command for command in TABLE for name in (command.name, *command.aliases)}
