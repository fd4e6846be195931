"""Readings of the log: what somebody missed, and pages of history.

Each page is one SQL statement that returns one row: the bodies, ready for the wire, joined by newlines (none
has one). So a page costs one round with the interpreter's lock, however many messages it has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tcp_server.log.visible import Order, Scope, select
from tcp_server.protocol import names, server_packets
from tcp_server.protocol.server_packets import LIST_MAX, fitting

MISSED_MAX = 10_000  # over so many missed messages a resuming session gets a GAP and the newest ones
MISSED_KEPT = 1_000
NO_LIMIT = 2**63 - 1  # an id that is never reached

_WIRE = """'{"type":"MSG","id":' || id || ',' || body"""


@dataclass(frozen=True)
class Reader:
    """For whom the log is read: a uid, and the keys of the rooms that it is in."""

    uid: int
    rooms: tuple[str, ...]


@dataclass(frozen=True)
class Paging:
    """A page of history: `before` and `after` exclude, with neither it is the newest; nothing is over `through`."""

    before: int | None
    after: int | None
    wanted: int
    through: int

    @property
    def limit(self) -> int:
        return min(self.wanted, LIST_MAX)

    @property
    def order(self) -> Order:
        return "DESC" if self.after is None else "ASC"

    @property
    def start(self) -> int:
        return min(self.after or 0, NO_LIMIT)

    @property
    def stop(self) -> int:
        return self.through + 1 if self.before is None else min(self.before, self.through + 1)

    def cut(self, bodies: list[bytes]) -> tuple[list[bytes], bool]:
        """Return what one packet holds, oldest first, and whether the rest was cut or is still in the log."""
        fit = fitting(bodies, self.limit)
        page = bodies[:fit]
        return (page if self.order == "ASC" else page[::-1]), fit < len(bodies)


@dataclass(frozen=True)
class Replay:
    """What a session missed.

    Attributes:
        bodies: the packets to send, oldest first; a GAP may be among them.
        after: the newest id that they cover.
        complete: nothing is left after it.
    """

    bodies: list[bytes]
    after: int
    complete: bool


@dataclass(frozen=True)
class LinkReplay:
    """What a link missed: of each message its room's key or the uids of a direct one, and the body."""

    entries: list[tuple[str | None, tuple[int, int], bytes]]
    after: int
    complete: bool


class Readings:
    """Reads through one connection; one thread at a time may call it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._room_numbers: dict[str, int] = {}

    # What somebody missed

    def missed(self, reader: Reader, after: int, limit: int) -> Replay:
        """Return the next messages after an id, all of them if called again and again."""
        gap = self._pruned(reader, after)
        bodies = self._visible(self._scope(reader, after), "ASC", limit)
        complete = len(bodies) < limit
        newest = max(after, self._newest()) if complete else id_of(bodies[-1])
        return Replay(self._after_gap(after, bodies, newest) if gap else bodies, newest, complete)

    def missed_of_late(self, reader: Reader, after: int, limit: int) -> Replay:
        """Return what a coming-back session gets first: as `missed`, or a GAP and the newest messages."""
        newest = self._newest()
        if newest - after > MISSED_MAX:
            sql, values = select(self._scope(reader, after), self._sorted(), "ASC", MISSED_MAX + 1)
            if self._one(f"SELECT count(*) FROM ({sql})", values) > MISSED_MAX:
                return self.newest(reader, after)
        return self.missed(reader, after, limit)

    def newest(self, reader: Reader, after: int = 0) -> Replay:
        """Return a GAP after an id, and the newest messages that follow it."""
        newest = self._newest()
        bodies = self._visible(self._scope(reader, after), "DESC", MISSED_KEPT)[::-1]
        return Replay(self._after_gap(after, bodies, newest), newest, True)

    def missed_by_link(self, after: int, limit: int) -> LinkReplay:
        """Return the next messages of everybody after an id; the link's owner picks its own."""
        rows = self._one(
            "SELECT CAST(group_concat(coalesce(key, '') || char(9) || uid || char(9) || coalesce(peer, 0)"
            f" || char(9) || {_WIRE}, char(10)) AS BLOB) FROM (SELECT id, key, uid, peer, body FROM entry"
            " LEFT JOIN room ON room = number WHERE id > ? ORDER BY id LIMIT ?)",
            (after, limit),
        )
        entries = []
        for row in rows.split(b"\n") if rows else ():
            key, uid, peer, body = row.split(b"\t", 3)
            entries.append((key.decode() or None, (int(uid), int(peer)), body))
        complete = len(entries) < limit
        newest = max(after, self._newest()) if complete else id_of(entries[-1][2])
        return LinkReplay(entries, newest, complete)

    def _after_gap(self, after: int, bodies: list[bytes], newest: int) -> list[bytes]:
        first = id_of(bodies[0]) if bodies else newest + 1
        return [server_packets.format(server_packets.Gap(after, first)), *bodies]

    def _pruned(self, reader: Reader, after: int) -> bool:
        """Say whether retention took out something that the reader would have got after this id."""
        if self._meta("pruned") <= after:
            return False
        numbers = self._numbers(reader.rooms)
        rooms = f"SELECT max(pruned) FROM room WHERE number IN ({','.join('?' * len(numbers))})"
        return max(self._one(rooms, numbers) or 0, self._meta("pruned_direct")) > after

    # History

    def room_page(self, key: str, paging: Paging) -> tuple[list[bytes], bool]:
        """Return a page of a room, oldest first, and whether there is more in the direction of paging."""
        scope = Scope(self._numbers([key]), None, paging.start, paging.stop)
        return paging.cut(self._visible(scope, paging.order, paging.limit + 1))

    def direct_page(self, uid: int, nickname: str, paging: Paging) -> tuple[list[bytes], bool]:
        """As `room_page`, of one's own direct messages with whoever was shown under a nickname."""
        sql = (
            "SELECT direct.id, body FROM direct CROSS JOIN entry ON entry.id = direct.id WHERE direct.uid = ?"
            f" AND name = ? AND direct.id > ? AND direct.id < ? ORDER BY direct.id {paging.order} LIMIT ?"
        )
        values = [uid, names.fold(nickname), paging.start, paging.stop, paging.limit + 1]
        return paging.cut(self._bodies(sql, values))

    # SQL

    def _scope(self, reader: Reader, after: int, before: int = NO_LIMIT) -> Scope:
        return Scope(self._numbers(reader.rooms), reader.uid, min(after, NO_LIMIT), before)

    def _visible(self, scope: Scope, order: Order, limit: int) -> list[bytes]:
        return self._bodies(*select(scope, self._sorted(), order, limit))

    def _sorted(self) -> int:
        """Return the id up to which the index by room is filled; asked before each reading, so always safe."""
        return self._meta("sorted")

    def _bodies(self, sql: str, values: Sequence[Any]) -> list[bytes]:
        joined = self._one(f"SELECT CAST(group_concat({_WIRE}, char(10)) AS BLOB) FROM ({sql})", values)
        return joined.split(b"\n") if joined else []

    def _numbers(self, keys: Sequence[str]) -> list[int]:
        """Return the numbers of rooms; one that has no message yet may not have one."""
        known = self._room_numbers
        if any(key not in known for key in keys):
            known.update(self._database.execute("SELECT key, number FROM room").fetchall())
        return [known[key] for key in keys if key in known]

    def _newest(self) -> int:
        """Return the newest id that was ever given."""
        return max(int(self._one("SELECT max(id) FROM entry") or 0), self._meta("pruned"))

    def _meta(self, name: str) -> int:
        return int(self._one("SELECT value FROM meta WHERE name = ?", (name,)) or 0)

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        row = self._database.execute(sql, values).fetchone()
        return None if row is None else row[0]


def id_of(body: bytes) -> int:
    """Return the id of a body as `_WIRE` writes it."""
    start = len(b'{"type":"MSG","id":')
    return int(body[start : body.index(b",", start)])
