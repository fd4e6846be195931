"""Answers to what a person asked: older messages, hits, context, members and rooms, made into lines.

Pure, like `session`, of which it is the part that looks back.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET

from cli_client.chat import commands
from cli_client.chat.book import HITS_TARGET, Book
from cli_client.chat.effects import Action, Ask, Purpose, Show
from cli_client.chat.views import Kind, View
from cli_client.library.targets import message_target, split_target
from tcp_server.protocol import client_packets, server_packets

PAGE = 50  # messages that one look back brings
SNIPPET_CHARACTERS = 90  # of a hit: two rows of an 80-column screen
SNIPPET_BEFORE = 30  # of them before the word that was searched


class Listing(Book):
    """A book that knows how to fill itself with what the server answers."""

    def __init__(self, nickname: str, now: datetime, *, paged: bool = True) -> None:
        super().__init__(nickname, now, paged=paged)
        self._hits: list[tuple[str, int]] = []  # target and id of each
        self._older_hits: client_packets.Search | None = None

    def hit(self, number: int) -> tuple[str, int] | None:
        """Return target and id of a hit of the last search, counted from 1."""
        return self._hits[number - 1] if 0 < number <= len(self._hits) else None

    def last_search(self) -> client_packets.Search | None:
        """Return what asks for older hits, if there are any."""
        return self._older_hits

    def answered(self, ask: Ask, packet: server_packets.AnyPacket, now: datetime) -> Sequence[Action]:
        """Take the server's answer to what `ask` asked."""
        self.now = now
        match packet:
            case server_packets.Users():
                return self._list_users(ask, packet)
            case server_packets.Rooms():
                return self._list_rooms(packet)
            case server_packets.Search():
                return self._list_hits(ask, packet)
            case server_packets.History():
                match ask.purpose:
                    case Purpose.OLDER:
                        return self._show_older(ask, packet)
                    case Purpose.CONTEXT:
                        return self._show_context(ask, packet)
                    case _:
                        return [Show(ask.target, self.message_line(message)) for message in packet.messages]
            case _:
                return []

    # -- looking back ----------------------------------------------------------------------------

    def look_back(self, view: View) -> Sequence[Action]:
        """Ask for what is above a view's first line, unless that is under way or there is nothing."""
        if not view.more or view.fetching:
            return []
        view.fetching = True
        room, to = split_target(view.target)
        before = view.oldest_id
        request = client_packets.History(
            room=UNSET if room is None else room,
            to=UNSET if to is None else to,
            before=before if before else UNSET,
            limit=PAGE,
        )
        return [Ask(request, view.target, Purpose.OLDER)]

    def _show_older(self, ask: Ask, history: server_packets.History) -> Sequence[Action]:
        view = self.find(ask.target)
        if view is not None:
            view.fetching = False
            view.more = history.more
            view.prepend(self.message_line(message) for message in history.messages)
        return []

    def _list_hits(self, ask: Ask, search: server_packets.Search) -> Sequence[Action]:
        assert isinstance(ask.request, client_packets.Search)
        view = self.open(HITS_TARGET)
        if ask.request.before is UNSET:
            self._hits.clear()
            self.add(view, Kind.INFO, f"search: {search.query}")
        shown: list[Action] = []
        for message in search.messages:
            self._hits.append((message_target(message, self.nickname), message.id))
            line = self.message_line(message)
            line.kind, line.id = Kind.HIT, 0  # the same message may be a hit twice
            line.text = snippet(message.message, search.query)
            line.number, line.target = len(self._hits), self._hits[-1][0]
            view.append(line)
            shown.append(Show(view.target, line))
        self._older_hits = None
        if search.more and search.messages:
            self._older_hits = msgspec.structs.replace(ask.request, before=search.messages[-1].id)
        if self.paged:
            self.switch(HITS_TARGET)
        return [*shown, *self._explain_hits(view, len(search.messages))]

    def _explain_hits(self, view: View, number: int) -> Sequence[Action]:
        if not number:
            return self.add(view, Kind.INFO, "nothing was found")
        how = "type a number" if self.paged else "/context NUMBER"
        more = "; /more shows older ones" if self._older_hits is not None else ""
        back = "; Escape goes back" if self.paged else ""
        return self.add(view, Kind.INFO, f"{how} to see what was said around a hit{more}{back}")

    def _show_context(self, ask: Ask, history: server_packets.History) -> Sequence[Action]:
        """Collect the messages before a hit, ask for those after it, and show both."""
        assert isinstance(ask.request, client_packets.History)
        found = (*ask.found, *history.messages)
        if ask.request.after is UNSET and found:
            request = client_packets.History(
                room=ask.request.room, to=ask.request.to, after=found[-1].id, limit=commands.CONTEXT
            )
            return [Ask(request, ask.target, Purpose.CONTEXT, found, ask.number)]
        view = self.open(HITS_TARGET)
        shown = [*self.add(view, Kind.INFO, f"around hit {ask.number}, in {ask.target}:")]
        hit = self.hit(ask.number)
        for message in found:
            line = self.message_line(message)
            line.id, line.target = 0, ask.target  # a hit's neighbours may be shown twice
            line.mention = hit is not None and message.id == hit[1]
            view.append(line)
            shown.append(Show(view.target, line))
        if self.paged:
            self.switch(HITS_TARGET)
        return shown

    def _list_users(self, ask: Ask, users: server_packets.Users) -> Sequence[Action]:
        shown = f"{users.count} in #{users.room}: {', '.join(users.users)}" if users.users else ""
        if not shown:
            return self.note(f"#{users.room} is empty")
        if not users.more:
            return self.note(shown)
        return [
            *self.note(shown),
            Ask(client_packets.Users(room=users.room, after=users.users[-1]), ask.target),
        ]

    def _list_rooms(self, rooms: server_packets.Rooms) -> Sequence[Action]:
        shown: list[Action] = []
        for entry in rooms.rooms:
            people = "1 member" if entry.count == 1 else f"{entry.count} members"
            shown += self.note(f"#{entry.room}, {people}" + (f": {entry.topic}" if entry.topic else ""))
        if rooms.more and rooms.rooms:
            shown.append(Ask(client_packets.Rooms(after=rooms.rooms[-1].room)))
        return shown or self.note("no room has members")


def snippet(text: str, query: str) -> str:
    """Return the part of a message where the first word of a query is, as one line."""
    text = " ".join(text.split())
    if len(text) <= SNIPPET_CHARACTERS:
        return text
    start = max(text.casefold().find(query.split()[0].casefold()) - SNIPPET_BEFORE, 0)
    start = min(start, len(text) - SNIPPET_CHARACTERS)
    end = start + SNIPPET_CHARACTERS
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
