"""What each command does: functions of the chat and of the rest of the line, which return what is to be done.

Which names and arguments they have is in `commands`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import UNSET

from cli_client.chat.display import bare, isolate
from cli_client.chat.effects import Ask, Discard, Effect, Export, Purpose, Quit, Rename, Resend, ScrollUp, SendText
from cli_client.chat.hits import Hits
from cli_client.chat.lines import Fate
from cli_client.chat.query import SearchFault, parse_search
from cli_client.chat.views import View
from cli_client.library.targets import known_target, room_name, split_target
from tcp_server.protocol import client_packets, names
from tcp_server.protocol.names import RoomName
from tcp_server.protocol.server_packets import LIST_MAX

HITS = 10  # a page of them fits on most screens
CONTEXT = 6  # messages before a hit, and after it
PAGE = 50
NOWHERE = "you are not in a room; use /join ROOM"


class CommandFault(ValueError):
    """The typed line is no command, or can't be carried out; the text says why."""


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


def join(chat: Chat, rest: str) -> Sequence[Effect]:
    words = [bare(word.strip()) for word in rest.split(",") if word.strip()]
    if any(len(word.split()) > 1 for word in words):
        raise CommandFault("a room's name has no space; a list of rooms needs commas, as in /join dev, help")
    rooms = [room_name(word) for word in words]
    for room in rooms:
        chat.expect_room(room)
    return [Ask(client_packets.Join(room=RoomName(room)), f"#{room}") for room in rooms]


def leave(chat: Chat, rest: str) -> Sequence[Effect]:
    """Leave the room that the first word names, else the present one: then the words are the reason."""
    word, *others = rest.split(maxsplit=1) or [""]
    word = bare(word)
    target, reason = chat.current.target, rest
    named = chat.find(f"#{word.removeprefix('#')}") if word else None
    if named is not None or word.startswith("#"):
        target, reason = named.target if named is not None else f"#{room_name(word)}", "".join(others)
    if not target.startswith("#"):
        chat.close(target)
        return []
    request = client_packets.Leave(room=RoomName(target[1:]), message=reason if reason else UNSET)
    return [Ask(request, target)]


def msg(chat: Chat, rest: str) -> Sequence[Effect]:
    who, *words = rest.split(maxsplit=1)
    who = bare(who)
    target = who if who.startswith(("#", "@")) else f"@{who}"
    split_target(target)
    if target.startswith("#") and chat.find(target) is None:
        raise CommandFault(f"you are not in {isolate(target)}; use /join {target[1:]}")
    if not words:
        chat.switch(chat.open(target).target)
        return []
    text = words[0]
    chat.open(target)
    said = chat.note(f"to {isolate(target)}: {text}") if chat.paged and chat.current.target != target else []
    return [SendText(target, text), *said]


def me(chat: Chat, rest: str) -> Sequence[Effect]:
    return [SendText(_talkable(chat), rest, action=True)]


def nick(chat: Chat, rest: str) -> Sequence[Effect]:
    nickname = bare(rest)
    names.nickname_key(nickname)
    return [Rename(nickname)]


def topic(chat: Chat, rest: str) -> Sequence[Effect]:
    view = chat.current
    if not view.target.startswith("#"):
        raise CommandFault("only a room has a topic")
    if not rest:
        text = view.roster.topic
        return chat.note(f"the topic is: {text}" if text else f"{isolate(view.target)} has no topic")
    return [Ask(client_packets.Topic(room=RoomName(view.target[1:]), topic="" if rest == "-" else rest), view.target)]


def users(chat: Chat, rest: str) -> Sequence[Effect]:
    if not rest and not chat.current.target.startswith("#"):
        raise CommandFault("usage: /users ROOM")
    room = room_name(bare(rest) or chat.current.target)
    return [Ask(client_packets.Users(room=RoomName(room)), f"#{room}")]


def rooms(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Ask(client_packets.Rooms())]


def history(chat: Chat, rest: str) -> Sequence[Effect]:
    target = _talkable(chat)
    number = _number(rest or str(PAGE), "/history [NUMBER]")
    if chat.paged:
        return [ScrollUp()]
    room, to = known_target(target)
    request = client_packets.History(room=room, to=to, limit=min(number, LIST_MAX))
    return [Ask(request, target, Purpose.PRINT)]


def search(chat: Chat, rest: str) -> Sequence[Effect]:
    try:
        return [Ask(parse_search(rest, chat.now, HITS))]
    except SearchFault as fault:
        raise CommandFault(str(fault)) from None


def more(chat: Chat, rest: str) -> Sequence[Effect]:
    request = chat.hits.older
    if request is None:
        raise CommandFault("there are no older hits; use /search WORDS")
    return [Ask(request)]


def context(chat: Chat, rest: str) -> Sequence[Effect]:
    number = _number(rest, "/context NUMBER")
    hit = chat.hits.get(number)
    if hit is None:
        raise CommandFault(f"there is no hit {number}; use /search WORDS")
    target, message_id = hit
    room, to = known_target(target)
    request = client_packets.History(room=room, to=to, before=message_id + 1, limit=CONTEXT + 1)
    return [Ask(request, target, Purpose.CONTEXT, number=number)]


def export(chat: Chat, rest: str) -> Sequence[Effect]:
    path = rest or f"wordpacket-{chat.now:%Y-%m-%d}.jsonl"
    return [Export(path, tuple(target for target in chat.targets() if target[0] in "#@"))]


def switch(chat: Chat, rest: str) -> Sequence[Effect]:
    targets = chat.targets()
    rest = bare(rest)
    if not rest:
        views = filter(None, map(chat.find, targets))
        return chat.note("  ".join(f"{number} {_listed(view)}" for number, view in enumerate(views, 1)))
    if rest.isdecimal() and 0 < int(rest) <= len(targets):
        chat.switch(targets[int(rest) - 1])
        return []
    for target in (rest, f"#{rest}", f"@{rest}"):
        if target[0] in "#@?" and chat.find(target) is not None:
            chat.switch(target)
            return []
    raise CommandFault(f"{rest} is not open; use /join ROOM or /msg NICKNAME")


def close(chat: Chat, rest: str) -> Sequence[Effect]:
    if chat.current.target.startswith("#"):
        return leave(chat, "")
    chat.close(chat.current.target)
    return []


def retry(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Resend(_failed(chat))]


def drop(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Discard(_failed(chat))]


def quit(chat: Chat, rest: str) -> Sequence[Effect]:
    return [Quit(rest)]


def _listed(view: View) -> str:
    failed = f" ({view.failed} not sent)" if view.failed else ""
    return isolate(view.target) + failed


def _talkable(chat: Chat) -> str:
    target = chat.current.target
    if target[0] not in "#@":
        raise CommandFault(NOWHERE)
    return target


def _failed(chat: Chat) -> tuple[str, ...]:
    refs = tuple(line.ref for line in chat.current.lines if line.fate is Fate.FAILED)
    if not refs:
        raise CommandFault("no failed message is shown here")
    return refs


def _number(text: str, usage: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise CommandFault(f"usage: {usage}")
    return int(text)
