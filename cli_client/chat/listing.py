"""Answers to the person's questions: older messages, hits, context, members and rooms, made into lines.

Pure; the part of the session that looks back.
"""

import dataclasses
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from cli_client.chat.book import HITS_TARGET, Book
from cli_client.chat.display import isolate
from cli_client.chat.effects import Ask, Effect, Purpose, Show
from cli_client.chat.handlers import CONTEXT
from cli_client.chat.lines import Kind
from cli_client.chat.views import View
from cli_client.library.targets import known_target
from tcp_server.protocol import client_packets, server_packets
from tcp_server.protocol.names import RoomName

PAGE = 50  # messages that one look back fetches
SNIPPET_CHARACTERS = 90  # of a hit: two rows of an 80-column screen
SNIPPET_BEFORE = 30  # of them before the word that was searched


class Listing:
    """Fills a book with the server's answers."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def answered(self, ask: Ask, packet: server_packets.ServerPacket) -> Sequence[Effect]:
        """Take the server's answer to a question."""
        match packet:
            case server_packets.Users():
                return self._list_users(ask, packet)
            case server_packets.Rooms():
                return self._list_rooms(packet)
            case server_packets.Search() if isinstance(ask.request, client_packets.Search):
                return self._list_hits(ask, packet)
            case server_packets.History() if isinstance(ask.request, client_packets.History):
                match ask.purpose:
                    case Purpose.OLDER:
                        return self._show_older(ask, packet)
                    case Purpose.CONTEXT:
                        return self._show_context(ask, packet)
                    case _:
                        return [Show(ask.target, self._book.message_line(message)) for message in packet.messages]
            case _:
                return []

    # -- looking back ----------------------------------------------------------------------------

    def look_back(self) -> Sequence[Effect]:
        """Ask for the messages above the current view's first line, unless they are under way or there are none."""
        view = self._book.current
        if not view.begin_fetch():
            return []
        room, to = known_target(view.target)
        request = client_packets.History(room=room, to=to, before=view.oldest_id or UNSET, limit=PAGE)
        return [Ask(request, view.target, Purpose.OLDER)]

    def _show_older(self, ask: Ask, history: server_packets.History) -> Sequence[Effect]:
        view = self._book.find(ask.target)
        if view is not None:
            view.end_fetch(map(self._book.message_line, history.messages), more=history.more)
        return []

    def _list_hits(self, ask: Ask, search: server_packets.Search) -> Sequence[Effect]:
        assert isinstance(ask.request, client_packets.Search)
        book = self._book
        view = book.open(HITS_TARGET)
        if ask.request.before is UNSET:
            book.hits.clear()
            book.add(view, Kind.INFO, f"search: {search.query}")
        lines = []
        for message in search.messages:
            number, target = book.hits.add(message, book.nickname)
            text = snippet(message.message, search.query)
            line = book.message_line(message)  # without its id: the same message may be a hit twice
            lines.append(dataclasses.replace(line, kind=Kind.HIT, id=0, text=text, number=number, target=target))
        older = None
        before = search.before
        if before is None and search.messages:
            before = search.messages[-1].id
        if search.more and before is not None:
            older = msgspec.structs.replace(ask.request, before=before)
        book.hits.end_page(older)
        if book.paged:
            book.switch(HITS_TARGET)
        return [*book.add_lines(view, lines), *self._explain_hits(view, len(search.messages))]

    def _explain_hits(self, view: View, number: int) -> Sequence[Effect]:
        if not number:
            is_end = self._book.hits.older is None
            text = "nothing was found" if is_end else "nothing was found so far; /more looks at older messages"
            return self._book.add(view, Kind.INFO, text)
        how = "type a number" if self._book.paged else "/context NUMBER"
        more = "; /more shows older hits" if self._book.hits.older is not None else ""
        back = "; Escape goes back" if self._book.paged else ""
        return self._book.add(view, Kind.INFO, f"{how} to see the messages around a hit{more}{back}")

    def _show_context(self, ask: Ask, history: server_packets.History) -> Sequence[Effect]:
        """Collect the messages before a hit, ask for those after it, and show both."""
        assert isinstance(ask.request, client_packets.History)
        book = self._book
        found = (*ask.found, *history.messages)
        if ask.request.after is UNSET and found:
            request = client_packets.History(
                room=ask.request.room, to=ask.request.to, after=found[-1].id, limit=CONTEXT
            )
            return [Ask(request, ask.target, Purpose.CONTEXT, found, ask.number)]
        view = book.open(HITS_TARGET)
        shown = book.add(view, Kind.INFO, f"around hit {ask.number}, in {isolate(ask.target)}:")
        hit = book.hits.get(ask.number)
        lines = []
        for message in found:  # without their ids: two hits may have the same neighbours
            is_hit = hit is not None and message.id == hit[1]
            line = book.message_line(message)
            lines.append(dataclasses.replace(line, id=0, target=ask.target, mention=is_hit))
        if book.paged:
            book.switch(HITS_TARGET)
        return [*shown, *book.add_lines(view, lines)]

    def _list_users(self, ask: Ask, users: server_packets.Users) -> Sequence[Effect]:
        if not users.users:
            return self._book.note(f"{isolate(f'#{users.room}')} is empty")
        names = ", ".join(map(isolate, users.users))
        shown = self._book.note(f"{users.count} in {isolate(f'#{users.room}')}: {names}")
        if not users.more:
            return shown
        return [*shown, Ask(client_packets.Users(room=RoomName(users.room), after=users.users[-1]), ask.target)]

    def _list_rooms(self, rooms: server_packets.Rooms) -> Sequence[Effect]:
        shown: list[Effect] = []
        for entry in rooms.rooms:
            people = "1 member" if entry.count == 1 else f"{entry.count} members"
            topic = f": {entry.topic}" if entry.topic else ""
            shown += self._book.note(f"{isolate(f'#{entry.room}')}, {people}{topic}")
        if rooms.more and rooms.rooms:
            shown.append(Ask(client_packets.Rooms(after=rooms.rooms[-1].room)))
        return shown or self._book.note("no room has members")


def snippet(text: str, query: str) -> str:
    """Return the part of a message around the first word of a query, as one line."""
    text = " ".join(text.split())
    if len(text) <= SNIPPET_CHARACTERS:
        return text
    word = next(iter(query.split()), "")
    start = max(text.casefold().find(word.casefold()) - SNIPPET_BEFORE, 0)
    start = min(start, len(text) - SNIPPET_CHARACTERS)
    end = start + SNIPPET_CHARACTERS
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
