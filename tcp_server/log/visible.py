"""The one SQL statement by which messages are read in the order of their ids: by room, and of a user.

The log only appends; its index by room is filled in bulk, so that a page of the index is written once for many
messages. A reading is therefore a merge of parts, each in order: the sorted messages of each room, the unsorted tail of
all rooms, and the user's direct messages. SQLite merges them and reads no further than the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Order: TypeAlias = Literal["ASC", "DESC"]


@dataclass(frozen=True)
class Scope:
    """Which messages: of these rooms (by number) and, with a uid, its direct messages; ids excluded at both ends."""

    rooms: Sequence[int]
    uid: int | None
    after: int
    before: int


def select(
    scope: Scope, sorted_through: int, order: Order, limit: int, columns: str = ", kind, body"
) -> tuple[str, list[Any]]:
    """Return a statement that yields ids and these columns, and its values.

    Args:
        sorted_through: the id up to which the index by room is filled.
        columns: of `entry`, each behind a comma; without `body` no long message is read.
    """
    parts: list[str] = []
    bound: list[Any] = []
    if scope.after < sorted_through:
        stop = min(scope.before, sorted_through + 1)
        for room in scope.rooms:
            parts.append(_SORTED.format(columns=columns))
            bound += (room, scope.after, stop)
    if scope.before > sorted_through + 1 and scope.rooms:
        parts.append(f"{_TAIL.format(columns=columns)} AND room IN ({','.join('?' * len(scope.rooms))})")
        bound += (max(scope.after, sorted_through), scope.before, *scope.rooms)
    if scope.uid is not None:
        parts.append(_DIRECT.format(columns=columns))
        bound += (scope.uid, scope.after, scope.before)
    if not parts:
        parts.append(f"SELECT id{columns} FROM entry WHERE false")
    return f"{' UNION ALL '.join(parts)} ORDER BY 1 {order} LIMIT ?", [*bound, limit]


_SORTED = (
    "SELECT by_room.id{columns} FROM by_room CROSS JOIN entry ON entry.id = by_room.id"
    " WHERE by_room.room = ? AND by_room.id > ? AND by_room.id < ?"
)
_TAIL = "SELECT id{columns} FROM entry WHERE id > ? AND id < ?"
_DIRECT = (
    "SELECT direct.id{columns} FROM direct CROSS JOIN entry ON entry.id = direct.id"
    " WHERE direct.uid = ? AND direct.id > ? AND direct.id < ?"
)
