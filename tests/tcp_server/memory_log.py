"""A log in memory: the promises of `LiveLog` kept in the plainest way, for tests of what stands on it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tcp_server.chat.directory import Changes, Present
from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Room
from tcp_server.log.interface import (
    LINK_PAGE_BYTES,
    LOOKED_AT_MAX,
    MISSED_KEPT,
    MISSED_MAX,
    PAGE_BYTES,
    AnyReplay,
    AnyReplayQuery,
    LinkReplay,
    LinkReplayQuery,
    Logged,
    LogUnavailable,
    Outcome,
    Page,
    PageQuery,
    Replay,
    ReplayQuery,
    SearchPage,
    SearchQuery,
    Span,
    Viewer,
)
from tcp_server.protocol import server_packets
from tcp_server.protocol.entries import entry_body, entry_id
from tcp_server.protocol.names import fold_text
from tcp_server.protocol.server_packets import LIST_MAX, fitting

_AnyPage = TypeVar("_AnyPage")


@dataclass
class Entry:
    """A message in the log; `shown` is what the other was called, by uid, of a direct message."""

    id: int
    body: bytes
    millis: int
    room: str | None
    uids: tuple[int, int]
    shown: dict[int, str]
    nickname: str
    text: str  # folded

    def is_visible(self, viewer: Viewer) -> bool:
        return viewer.uid in self.shown if self.room is None else self.room in viewer.rooms


class MemoryLog:
    """`LiveLog` without a thread or a file.

    Attributes:
        error: with it, nothing can be stored.
        is_unreadable: pages and searches fail.
    """

    def __init__(self) -> None:
        self.epoch = "memory"
        self.newest = 0
        self.entries: list[Entry] = []
        self.error: LogUnavailable | None = None
        self.is_unreadable = False
        self._rooms: dict[str, tuple[str, str]] = {}  # key -> name, topic
        self._present: dict[int, Present] = {}
        self._refs: dict[tuple[int, str], Logged] = {}

    def rooms(self) -> list[Room]:
        newest = {entry.room: entry.id for entry in self.entries}
        return [Room(key, name, topic, newest.get(key, 0)) for key, (name, topic) in self._rooms.items()]

    def present(self) -> dict[int, Present]:
        return dict(self._present)

    def close(self) -> None:
        pass

    # Appending

    def append(
        self,
        drafts: Sequence[Draft],
        changes: Changes | None,
        queries: Sequence[AnyReplayQuery],
        stored: Callable[[Sequence[Outcome], Sequence[AnyReplay]], None],
        failed: Callable[[LogUnavailable], None],
    ) -> None:
        if self.error is not None and (drafts or changes is not None):
            failed(self.error)
            return
        if changes is not None:
            for key, (name, topic) in changes.rooms.items():
                self._rooms[key] = (self._rooms.get(key, (name, ""))[0], topic)
            for uid, present in changes.roster.items():
                self._present.pop(uid, None)
                if present is not None:
                    self._present[uid] = present
        outcomes = [self._append(draft) for draft in drafts]
        stored(outcomes, [self._replay(query) for query in queries])

    def _append(self, draft: Draft) -> Outcome:
        uid = draft.sender.uid
        if draft.ref is not None:
            known = self._refs.get((uid, draft.ref))
            if known is not None or draft.refusal is not None:
                return known
        self.newest += 1
        body = entry_body(draft.kind, self.newest, draft.rest)
        if draft.ref is not None:
            self._refs[uid, draft.ref] = Logged(self.newest, body)
        shown: dict[int, str] = {}
        if draft.room is not None:
            self._rooms.setdefault(draft.room.key, (draft.room.name, draft.room.topic))
        elif draft.peer is not None and draft.keys is not None:
            shown = {draft.peer.uid: draft.keys[0], uid: draft.keys[1]}
        packet = json.loads(body)
        self.entries.append(
            Entry(
                self.newest,
                body,
                draft.millis,
                draft.room.key if draft.room is not None else None,
                (uid, draft.peer.uid if draft.peer is not None else 0),
                shown,
                fold_text(packet["nickname"]),
                fold_text(packet["message"]),
            )
        )
        return self.newest

    # Replays

    def _replay(self, query: AnyReplayQuery) -> AnyReplay:
        if isinstance(query, LinkReplayQuery):
            found = [entry for entry in self.entries if entry.id > query.after]
            page, after, is_complete = self._cut_page(found, query, LINK_PAGE_BYTES)
            return LinkReplay([(entry.room, entry.uids, entry.body) for entry in page], after, is_complete)
        start = 0 if query.span is Span.NEWEST else query.after
        found = [entry for entry in self.entries if entry.id > start and entry.is_visible(query.viewer)]
        gap: list[bytes] = []
        if query.span is Span.NEWEST or (query.span is Span.RECENT and len(found) > MISSED_MAX):
            found = found[-MISSED_KEPT:]
            gap = [server_packets.format(server_packets.Gap(start, found[0].id if found else self.newest + 1))]
            query = replace(query, after=start)
        page, after, is_complete = self._cut_page(found, query, PAGE_BYTES)
        return Replay([*gap, *[entry.body for entry in page]], after, is_complete)

    def _cut_page(
        self, found: list[Entry], query: ReplayQuery | LinkReplayQuery, size: int
    ) -> tuple[list[Entry], int, bool]:
        """Return the first page, up to which id it reaches, and whether that is all."""
        page: list[Entry] = []
        for entry in found[: query.limit]:
            size -= len(entry.body)
            if size < 0 and page:
                break
            page.append(entry)
        if len(page) == len(found) < query.limit:
            return page, max(query.after, self.newest), True
        return page, page[-1].id, False

    # Pages

    def page(self, query: PageQuery, answered: Callable[[Page], None], failed: Callable[[Exception], None]) -> None:
        peer = query.peer
        for entry in self.entries:
            if query.peer is None and query.room is None and entry.shown.get(query.uid) == query.nickname:
                peer = entry.uids[entry.uids[0] == query.uid]

        def is_on_it(entry: Entry) -> bool:
            is_place = entry.room == query.room and (query.room or set(entry.uids) == {query.uid, peer})
            stop = query.through + 1 if query.before is None else min(query.before, query.through + 1)
            return bool(is_place) and (query.after or 0) < entry.id < stop

        bodies = [entry.body for entry in self.entries if is_on_it(entry)]
        if query.after is None:
            page, more = _cut(bodies[::-1], query.limit)
            self._answer((page[::-1], more), answered, failed)
        else:
            self._answer(_cut(bodies, query.limit), answered, failed)

    def search(
        self, query: SearchQuery, answered: Callable[[SearchPage], None], failed: Callable[[Exception], None]
    ) -> Callable[[], None]:
        def is_hit(entry: Entry) -> bool:
            return (
                (query.since is None or entry.millis >= query.since)
                and (query.until is None or entry.millis < query.until)
                and (query.sender is None or entry.nickname == query.sender)
                and all(word in entry.text for word in query.words)
            )

        seen = [entry for entry in reversed(self.entries) if _is_looked_at(entry, query)]
        looked_at = seen[:LOOKED_AT_MAX]
        hits, more = _cut([entry.body for entry in looked_at if is_hit(entry)], query.limit)
        if more:
            before: int | None = entry_id(hits[-1])
        else:
            before = looked_at[-1].id if len(looked_at) < len(seen) else None
        return self._answer((hits, before), answered, failed)

    def _answer(
        self, page: _AnyPage, answered: Callable[[_AnyPage], None], failed: Callable[[Exception], None]
    ) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        if self.is_unreadable:
            return loop.call_soon(failed, OSError("the log can't be read")).cancel
        return loop.call_soon(answered, page).cancel


def _is_looked_at(entry: Entry, query: SearchQuery) -> bool:
    return (
        entry.is_visible(query.viewer)
        and (entry.room is not None or query.is_direct)
        and entry.id <= query.through
        and (query.before is None or entry.id < query.before)
    )


def _cut(bodies: list[bytes], limit: int) -> Page:
    """Return as many bodies as fit into one packet, and whether that leaves some out."""
    fit = fitting(bodies, min(limit, LIST_MAX))
    return bodies[:fit], fit < len(bodies)
