"""A log in memory: the promises of `LiveLog` kept in the plainest way, for tests of what stands on it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tcp_server.chat.directory import Changes, Present
from tcp_server.chat.outputs import Draft
from tcp_server.chat.state import Room
from tcp_server.log.interface import (
    MISSED_KEPT,
    MISSED_MAX,
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
    SearchQuery,
    Span,
    Viewer,
)
from tcp_server.protocol import server_packets
from tcp_server.protocol.entries import entry_body
from tcp_server.protocol.names import fold_text
from tcp_server.protocol.server_packets import LIST_MAX, fitting


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
            found = [entry for entry in self.entries if entry.id > query.after][: query.limit]
            after, is_complete = self._end(found, query)
            return LinkReplay([(entry.room, entry.uids, entry.body) for entry in found], after, is_complete)
        if query.span is Span.NEWEST:
            return self._newest_after(query.viewer, 0)
        found = [entry for entry in self.entries if entry.id > query.after and entry.is_visible(query.viewer)]
        if query.span is Span.RECENT and len(found) > MISSED_MAX:
            return self._newest_after(query.viewer, query.after)
        found = found[: query.limit]
        return Replay([entry.body for entry in found], *self._end(found, query))

    def _end(self, found: Sequence[Entry], query: ReplayQuery | LinkReplayQuery) -> tuple[int, bool]:
        """Return up to which id a replay reaches, and whether that is all."""
        if len(found) == query.limit:
            return found[-1].id, False
        return max(query.after, self.newest), True

    def _newest_after(self, viewer: Viewer, after: int) -> Replay:
        found = [entry for entry in self.entries if entry.id > after and entry.is_visible(viewer)][-MISSED_KEPT:]
        gap = server_packets.Gap(after, found[0].id if found else self.newest + 1)
        return Replay([server_packets.format(gap), *[entry.body for entry in found]], self.newest, True)

    # Pages

    def page(self, query: PageQuery, answered: Callable[[Page], None], failed: Callable[[Exception], None]) -> None:
        def is_on_it(entry: Entry) -> bool:
            is_place = entry.room == query.room and (query.room or entry.shown.get(query.uid) == query.nickname)
            stop = query.through + 1 if query.before is None else min(query.before, query.through + 1)
            return bool(is_place) and (query.after or 0) < entry.id < stop

        bodies = [entry.body for entry in self.entries if is_on_it(entry)]
        if query.after is None:
            page, more = _cut(bodies[::-1], query.limit)
            self._answer((page[::-1], more), answered, failed)
        else:
            self._answer(_cut(bodies, query.limit), answered, failed)

    def search(self, query: SearchQuery, answered: Callable[[Page], None], failed: Callable[[Exception], None]) -> None:
        def is_hit(entry: Entry) -> bool:
            return (
                entry.is_visible(query.viewer)
                and (entry.room is not None or query.is_direct)
                and entry.id <= query.through
                and (query.before is None or entry.id < query.before)
                and (query.since is None or entry.millis >= query.since)
                and (query.until is None or entry.millis < query.until)
                and (query.sender is None or entry.nickname == query.sender)
                and all(word in entry.text for word in query.words)
            )

        hits = [entry.body for entry in reversed(self.entries) if is_hit(entry)]
        self._answer(_cut(hits, query.limit), answered, failed)

    def _answer(self, page: Page, answered: Callable[[Page], None], failed: Callable[[Exception], None]) -> None:
        loop = asyncio.get_running_loop()
        if self.is_unreadable:
            loop.call_soon(failed, OSError("the log can't be read"))
        else:
            loop.call_soon(answered, page)


def _cut(bodies: list[bytes], limit: int) -> Page:
    """Return as many bodies as fit into one packet, and whether that leaves some out."""
    fit = fitting(bodies, min(limit, LIST_MAX))
    return bodies[:fit], fit < len(bodies)
