"""The table of commands: what may follow a `/`.

A command's function gets the chat as `Chat` shows it and the rest of the line; it returns what is to be done.
Arity is checked once, by `run`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec import UNSET

from cli_client.chat.effects import Ask, Discard, Effect, Export, Purpose, Quit, Rename, Resend, ScrollUp, SendText
from cli_client.chat.hits import Hits
from cli_client.chat.lines import Fate
from cli_client.chat.query import SearchFault, parse_search
from cli_client.chat.views import View
from cli_client.library.targets import packet_target, room_name, split_target
from cli_client.library.text import sendable
from tcp_server.protocol import client_packets, names
from tcp_server.protocol.server_packets import LIST_MAX

HITS = 10  # a page of them fits on most screens
CONTEXT = 6  # messages before a hit, and after it
PAGE = 50
SEARCH_HELP = "find messages; from:NAME in:ROOM since:DATE before:DATE narrow it down"
KEYS = (
    "PageUp goes back, Ctrl-End or Escape to the newest; Tab completes, Alt-Enter begins a line; Alt-1 to Alt-9, "
    "Ctrl-N and Ctrl-P lead to other rooms, Alt-A to what is unread there; Ctrl-L draws the screen anew, Ctrl-Z "
    "suspends, Ctrl-C empties the line and ends the program on an empty one, as Ctrl-D does"
)


class CommandFault(ValueError):
    """What was typed is no command, or not a whole one; the text says what is missing."""


class Chat(Protocol):
    """What a command may see of the session, and do to it."""

    nickname: str
    paged: bool  # a screen to scroll, rather than lines that have gone by
    now: datetime
    hits: Hits

    @property
    def current(self) -> View: ...
    def find(self, target: str) -> View | None: ...
    def targets(self) -> list[str]: ...
    def open(self, target: str) -> View: ...
    def close(self, target: str) -> None: ...
    def switch(self, target: str) -> None: ...
    def expect_room(self, room: str) -> None: ...
    def note(self, text: str) -> list[Effect]: ...


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    usage: str  # what follows the name
    help: str
    least: int  # words that must follow
    run: Callable[[Chat, str], Sequence[Effect]]
    aliases: tuple[str, ...] = ()

    @property
    def synopsis(self) -> str:
        return f"/{self.name} {self.usage}".rstrip()


def run(chat: Chat, line: str) -> Sequence[Effect]:
    """Carry out a line that begins with `/`.

    Raises:
        CommandFault: there is no such command, or it lacks an argument, or an argument is bad.
    """
    name, _, rest = line[1:].partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        raise CommandFault(f"there is no command /{name}; /help lists them, // sends a text that begins with /")
    rest = rest.strip()
    if len(rest.split()) < command.least:
        raise CommandFault(f"usage: {command.synopsis}")
    try:
        return command.run(chat, rest)
    except SearchFault as fault:
        raise CommandFault(f"{fault}; usage: {command.synopsis}") from None
    except names.NameFault as fault:
        raise CommandFault(f"the name {fault}; usage: {command.synopsis}") from None


def _join(chat: Chat, rest: str) -> Sequence[Effect]:
    rooms = [room_name(word) for word in rest.replace(",", " ").split()]
    for room in rooms:
        chat.expect_room(room)
    return [Ask(client_packets.Join(room=room), f"#{room}") for room in rooms]


def _leave(chat: Chat, rest: str) -> Sequence[Effect]:
    word, _, message = rest.partition(" ")
    target = chat.current.target
    if word.startswith("#") or (word and chat.find(f"#{word}") is not None):
        target, message = f"#{room_name(word)}", message.strip()
    else:
        message = rest
    if not target.startswith("#"):
        chat.close(target)
        return []
    request = client_packets.Leave(room=target[1:], message=sendable(message) if message else UNSET)
    return [Ask(request, target)]


def _msg(chat: Chat, rest: str) -> Sequence[Effect]:
    who, _, text = rest.partition(" ")
    target = who if who.startswith(("#", "@")) else f"@{who}"
    split_target(target)
    if not text.strip():
        chat.switch(chat.open(target).target)
        return []
    chat.open(target)
    said = chat.note(f"to {target}: {text.strip()}") if chat.paged and chat.current.target != target else []
    return [SendText(target, text.strip()), *said]


def _me(chat: Chat, rest: str) -> Sequence[Effect]:
    return [SendText(_talkable(chat), rest, action=True)]


def _nick(chat: Chat, rest: str) -> Sequence[Effect]:
    names.nickname_key(rest)
    return [Rename(rest)]


def _topic(chat: Chat, rest: str) -> Sequence[Effect]:
    view = chat.current
    if not view.target.startswith("#"):
        raise CommandFault("only a room has a topic")
    if not rest:
        return chat.note(f"the topic is: {view.roster.topic}" if view.roster.topic else f"{view.target} has no topic")
    topic = "" if rest == "-" else sendable(rest)
    return [Ask(client_packets.Topic(room=view.target[1:], topic=topic), view.target)]


def _users(chat: Chat, rest: str) -> Sequence[Effect]:
    if not rest and not chat.current.target.startswith("#"):
        raise CommandFault("usage: /users ROOM")
    room = room_name(rest or chat.current.target)
    return [Ask(client_packets.Users(room=room), f"#{room}")]


def _rooms(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Ask(client_packets.Rooms())]


def _history(chat: Chat, rest: str) -> Sequence[Effect]:
    target = _talkable(chat)
    number = _number(rest or str(PAGE), "/history [NUMBER]")
    if chat.paged:
        return [ScrollUp()]
    room, to = packet_target(target)
    request = client_packets.History(room=room, to=to, limit=min(number, LIST_MAX))
    return [Ask(request, target, Purpose.PRINT)]


def _search(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Ask(parse_search(rest, chat.now, HITS))]


def _more(chat: Chat, rest: str) -> Sequence[Effect]:
    request = chat.hits.older
    if request is None:
        return chat.note("there are no more hits; /search WORDS finds others")
    return [Ask(request)]


def _context(chat: Chat, rest: str) -> Sequence[Effect]:
    number = _number(rest, "/context NUMBER")
    hit = chat.hits.get(number)
    if hit is None:
        raise CommandFault(f"there is no hit {number}; /search finds some")
    target, message_id = hit
    room, to = packet_target(target)
    request = client_packets.History(room=room, to=to, before=message_id + 1, limit=CONTEXT + 1)
    return [Ask(request, target, Purpose.CONTEXT, number=number)]


def _export(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Export(rest, tuple(target for target in chat.targets() if target[0] in "#@"))]


def _switch(chat: Chat, rest: str) -> Sequence[Effect]:
    targets = chat.targets()
    if not rest:
        return chat.note("  ".join(f"{number} {target}" for number, target in enumerate(targets, 1)))
    if rest.isdecimal() and 0 < int(rest) <= len(targets):
        chat.switch(targets[int(rest) - 1])
        return []
    for target in (rest, f"#{rest}", f"@{rest}"):
        if target[0] in "#@?" and chat.find(target) is not None:
            chat.switch(target)
            return []
    raise CommandFault(f"{rest} is not open; /join enters a room, /msg NICKNAME opens a conversation")


def _close(chat: Chat, rest: str) -> Sequence[Effect]:
    if chat.current.target.startswith("#"):
        return _leave(chat, "")
    chat.close(chat.current.target)
    return []


def _retry(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Resend(_failed(chat))]


def _drop(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Discard(_failed(chat))]


def _help(chat: Chat, rest: str) -> Sequence[Effect]:
    if rest:
        command = COMMANDS.get(rest.lstrip("/").lower())
        if command is None:
            raise CommandFault(f"there is no command /{rest.lstrip('/')}; /help lists them")
        also = f" (also {', '.join(f'/{alias}' for alias in command.aliases)})" if command.aliases else ""
        return chat.note(f"{command.synopsis}: {command.help}{also}")
    width = max(len(command.synopsis) for command in TABLE)
    rows = [f"{command.synopsis:<{width}}  {command.help}" for command in TABLE]
    if chat.paged:
        rows.append(KEYS)
    return [action for row in rows for action in chat.note(row)]


def _quit(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Quit(rest)]


def _talkable(chat: Chat) -> str:
    target = chat.current.target
    if target[0] not in "#@":
        raise CommandFault("nobody hears this here; /switch leads to a room")
    return target


def _failed(chat: Chat) -> tuple[str, ...]:
    refs = tuple(line.ref for line in chat.current.lines if line.fate is Fate.FAILED)
    if not refs:
        raise CommandFault("no message has failed here")
    return refs


def _number(text: str, usage: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise CommandFault(f"usage: {usage}")
    return int(text)


TABLE: tuple[Command, ...] = (
    Command("join", "ROOM …", "enter a room", 1, _join, ("j",)),
    Command("leave", "[ROOM] [MESSAGE]", "leave a room, or close a conversation", 0, _leave, ("part",)),
    Command("msg", "NICKNAME [TEXT]", "talk to one person", 1, _msg, ("query", "w", "whisper")),
    Command("me", "TEXT", "say what you do", 1, _me),
    Command("nick", "NAME", "take another nickname", 1, _nick),
    Command("topic", "[TEXT]", "show or set the topic; - clears it", 0, _topic),
    Command("users", "[ROOM]", "list who is in a room", 0, _users, ("names", "who")),
    Command("rooms", "", "list the rooms that have members", 0, _rooms, ("list",)),
    Command("history", "[NUMBER]", "go back; in a pipe, list the last messages", 0, _history),
    Command("search", "WORDS", SEARCH_HELP, 1, _search, ("find",)),
    Command("more", "", "show older hits of the search", 0, _more),
    Command("context", "NUMBER", "show what was said around a hit", 1, _context, ("c",)),
    Command("export", "FILE", "write all that you may see to a file of JSON lines", 1, _export),
    Command("switch", "[WHERE]", "look at another room or conversation, or list them", 0, _switch, ("s", "go")),
    Command("close", "", "close what you look at", 0, _close),
    Command("retry", "", "send again what failed here", 0, _retry),
    Command("drop", "", "forget what failed here", 0, _drop),
    Command("help", "[COMMAND]", "explain the commands", 0, _help, ("h", "?")),
    Command("quit", "[MESSAGE]", "say goodbye and end", 0, _quit, ("exit", "q", "bye")),
)
COMMANDS: dict[str, Command] = {name: command for command in TABLE for name in (command.name, *command.aliases)}
