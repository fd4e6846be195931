"""Readings of the SQLite log: replays, and pages of history.

Each page is one SQL statement, or a few, that returns one row: the bodies, ready for the wire, joined by newlines (no
body has one). So a page takes the interpreter's lock seldom, however many messages it has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, assert_never

from tcp_server.log.interface import (
    LINK_PAGE_BYTES,
    MISSED_KEPT,
    MISSED_MAX,
    PAGE_BYTES,
    AnyReplay,
    AnyReplayQuery,
    LinkReplay,
    LinkReplayQuery,
    Page,
    PageQuery,
    Replay,
    ReplayQuery,
    Span,
    Viewer,
)
from tcp_server.log.visible import Order, Scope, select
from tcp_server.protocol import server_packets
from tcp_server.protocol.entries import KINDS, EntryKind, entry_id
from tcp_server.protocol.server_packets import LIST_MAX, fitting

NO_LIMIT = 2**63 - 1  # an id that is never reached
# How many messages of a page of history are read by one statement, which can't stop at a size: first few, which are a
# packet's worth if they are long, then more.
CHUNK_FIRST = 8
CHUNK = 64


def wire_sql(kinds: Iterable[EntryKind]) -> str:
    """Return the SQL expression for the body of a row with `id`, `kind` and `body`, ready for the wire."""
    heads = {kind.number: f"'{kind.head.decode()}'" for kind in kinds}
    if len(heads) == 1:
        head = next(iter(heads.values()))  # no need to look at the column
    else:
        head = f"CASE kind {' '.join(f'WHEN {number} THEN {head}' for number, head in heads.items())} END"
    return f"{head} || id || ',' || body"


WIRE = wire_sql(KINDS.values())


_DIRECT_PAIR = "SELECT id, kind, body FROM entry WHERE uid = ? AND peer = ? AND id > ? AND id < ?"


class Readings:
    """Reads through one connection; one thread at a time may call it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._room_numbers: dict[str, int] = {}

    # Replays

    def replay(self, query: AnyReplayQuery) -> AnyReplay:
        """Return a page of the entries that a session or a link missed."""
        match query:
            case LinkReplayQuery(after, limit):
                return self._missed_by_link(after, limit)
            case ReplayQuery(viewer, after, limit, Span.ALL):
                return self._missed(viewer, after, limit)
            case ReplayQuery(viewer, after, limit, Span.RECENT):
                return self._missed_recently(viewer, after, limit)
            case ReplayQuery(viewer, _, limit):
                return self._newest_of_all(viewer, 0, limit)
            case _:
                assert_never(query)

    def _missed(self, viewer: Viewer, after: int, limit: int) -> Replay:
        """Return the next messages after an id."""
        gap = self._pruned(viewer, after)
        found = self._visible(self._scope(viewer, after), "ASC", limit)
        bodies = found[: _fitting_page(found, PAGE_BYTES)]
        is_complete = len(bodies) == len(found) < limit
        newest = max(after, self._newest()) if is_complete else entry_id(bodies[-1])
        return Replay(self._after_gap(after, bodies, newest) if gap else bodies, newest, is_complete)

    def _missed_recently(self, viewer: Viewer, after: int, limit: int) -> Replay:
        newest = self._newest()
        if newest - after > MISSED_MAX:
            sql, values = select(self._scope(viewer, after), self._sorted(), "ASC", MISSED_MAX + 1, "")
            if self._one(f"SELECT count(*) FROM ({sql})", values) > MISSED_MAX:
                return self._newest_of_all(viewer, after, limit)
        return self._missed(viewer, after, limit)

    def _newest_of_all(self, viewer: Viewer, after: int, limit: int) -> Replay:
        """Return a GAP after an id, and the first page of the newest messages, which follow it."""
        sql, values = select(self._scope(viewer, after), self._sorted(), "DESC", MISSED_KEPT, "")
        first = self._one(f"SELECT min(id) FROM ({sql})", values)
        if first is None:
            newest = self._newest()
            return Replay(self._after_gap(after, [], newest), newest, True)
        page = self._missed(viewer, first - 1, limit)
        return Replay(self._after_gap(after, page.bodies, page.after), page.after, page.is_complete)

    def _missed_by_link(self, after: int, limit: int) -> LinkReplay:
        rows = self._one(
            "SELECT CAST(group_concat(coalesce(key, '') || char(9) || uid || char(9) || coalesce(peer, 0)"
            f" || char(9) || {WIRE}, char(10)) AS BLOB) FROM (SELECT id, kind, key, uid, peer, body FROM entry"
            " LEFT JOIN room ON room = number WHERE id > ? ORDER BY id LIMIT ?)",
            (after, limit),
        )
        entries = []
        for row in rows.split(b"\n") if rows else ():
            key, uid, peer, body = row.split(b"\t", 3)
            entries.append((key.decode() or None, (int(uid), int(peer)), body))
        fit = _fitting_page([body for _, _, body in entries], LINK_PAGE_BYTES)
        is_complete = fit == len(entries) < limit
        newest = max(after, self._newest()) if is_complete else entry_id(entries[fit - 1][2])
        return LinkReplay(entries[:fit], newest, is_complete)

    def _after_gap(self, after: int, bodies: list[bytes], newest: int) -> list[bytes]:
        first = entry_id(bodies[0]) if bodies else newest + 1
        return [server_packets.format(server_packets.Gap(after, first)), *bodies]

    def _pruned(self, viewer: Viewer, after: int) -> bool:
        """Say whether retention took out a message after this id that the viewer would have got."""
        if self._meta("pruned") <= after:
            return False
        numbers = self._numbers(viewer.rooms)
        rooms = f"SELECT max(pruned) FROM room WHERE number IN ({','.join('?' * len(numbers))})"
        return max(self._one(rooms, numbers) or 0, self._meta("pruned_direct")) > after

    # History

    def page(self, query: PageQuery) -> Page:
        """Return a page of history, oldest first."""
        limit = min(query.limit, LIST_MAX)
        order: Order = "DESC" if query.after is None else "ASC"
        start = min(query.after or 0, NO_LIMIT)
        stop = query.through + 1 if query.before is None else min(query.before, query.through + 1)
        if query.room is not None:
            room = self._numbers([query.room])

            def read(start: int, stop: int, count: int) -> list[bytes]:
                return self._visible(Scope(room, None, start, stop), order, count)
        else:
            peer = self._bore_last(query.uid, query.nickname) if query.peer is None else query.peer
            ways = {(query.uid, peer), (peer, query.uid)}  # one way, where somebody wrote to itself
            sql = f"{' UNION ALL '.join([_DIRECT_PAIR] * len(ways))} ORDER BY 1 {order} LIMIT ?"

            def read(start: int, stop: int, count: int) -> list[bytes]:
                values = [value for way in ways for value in (*way, start, stop)]
                return self._bodies(sql, [*values, count])

        bodies = _read_packet(read, order, start, stop, limit + 1)
        fit = fitting(bodies, limit)
        page = bodies[:fit]
        return (page if order == "ASC" else page[::-1]), fit < len(bodies)

    def _bore_last(self, uid: int, nickname: str) -> int:
        """Return the uid that was last shown to this user under a nickname, -1 if none was."""
        last = "SELECT max(id) FROM direct WHERE uid = ? AND name = ?"
        found = self._one(
            f"SELECT CASE uid WHEN ? THEN peer ELSE uid END FROM entry WHERE id = ({last})", (uid, uid, nickname)
        )
        return -1 if found is None else int(found)

    # SQL

    def _scope(self, viewer: Viewer, after: int) -> Scope:
        return Scope(self._numbers(viewer.rooms), viewer.uid, min(after, NO_LIMIT), NO_LIMIT)

    def _visible(self, scope: Scope, order: Order, limit: int) -> list[bytes]:
        return self._bodies(*select(scope, self._sorted(), order, limit))

    def _sorted(self) -> int:
        """Return the id up to which the index by room is filled; it only grows, so ask before each reading."""
        return self._meta("sorted")

    def _bodies(self, sql: str, values: Sequence[Any]) -> list[bytes]:
        joined = self._one(f"SELECT CAST(group_concat({WIRE}, char(10)) AS BLOB) FROM ({sql})", values)
        return joined.split(b"\n") if joined else []

    def _numbers(self, keys: Sequence[str]) -> list[int]:
        """Return the numbers of rooms; a room without a message may have no number yet."""
        known = self._room_numbers
        for key in keys:
            if key not in known:
                known.update(self._database.execute("SELECT key, number FROM room WHERE key = ?", (key,)).fetchall())
        return [known[key] for key in keys if key in known]

    def _newest(self) -> int:
        """Return the newest id that was ever given."""
        return max(int(self._one("SELECT max(id) FROM entry") or 0), self._meta("pruned"))

    def _meta(self, name: str) -> int:
        return int(self._one("SELECT value FROM meta WHERE name = ?", (name,)) or 0)

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        row = self._database.execute(sql, values).fetchone()
        return None if row is None else row[0]


def _fitting_page(bodies: Iterable[bytes], most: int) -> int:
    """Return how many of these bodies a page of a replay has: one, and as many as don't exceed a number of bytes."""
    size = count = 0
    for body in bodies:
        size += len(body)
        if size > most and count:
            break
        count += 1
    return count


def _read_packet(
    read: Callable[[int, int, int], list[bytes]], order: Order, after: int, before: int, limit: int
) -> list[bytes]:
    """Read at most `limit` bodies, but few more than fit into one packet.

    Args:
        read: returns as many bodies as its last argument says, between two ids, which are its first arguments.
    """
    bodies: list[bytes] = []
    chunk = CHUNK_FIRST
    while True:
        chunk = min(chunk, limit - len(bodies))
        some = read(after, before, chunk)
        bodies += some
        if len(some) < chunk or len(bodies) == limit or fitting(bodies, limit) < len(bodies):
            return bodies
        if order == "ASC":
            after = entry_id(some[-1])
        else:
            before = entry_id(some[-1])
        chunk = CHUNK
