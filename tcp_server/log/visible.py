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
    scope: Scope, sorted_through: int, order: Order, limit: int, condition: str = "", values: Sequence[Any] = ()
) -> tuple[str, list[Any]]:
    """Return a statement that yields (id, kind, body), and its values.

    Args:
        sorted_through: the id up to which the index by room is filled.
        condition: a further condition, such as ` AND time < ?`, with its values.
    """
    parts: list[str] = []
    bound: list[Any] = []
    if scope.after < sorted_through:
        stop = min(scope.before, sorted_through + 1)
        for room in scope.rooms:
            parts.append(f"{_SORTED}{condition}")
            bound += (room, scope.after, stop, *values)
    if scope.before > sorted_through + 1 and scope.rooms:
        parts.append(f"{_TAIL} AND room IN ({','.join('?' * len(scope.rooms))}){condition}")
        bound += (max(scope.after, sorted_through), scope.before, *scope.rooms, *values)
    if scope.uid is not None:
        parts.append(f"{_DIRECT}{condition}")
        bound += (scope.uid, scope.after, scope.before, *values)
    if not parts:
        parts.append("SELECT id, kind, body FROM entry WHERE false")
    return f"{' UNION ALL '.join(parts)} ORDER BY 1 {order} LIMIT ?", [*bound, limit]


_SORTED = (
    "SELECT by_room.id, kind, body FROM by_room CROSS JOIN entry ON entry.id = by_room.id"
    " WHERE by_room.room = ? AND by_room.id > ? AND by_room.id < ?"
)
_TAIL = "SELECT id, kind, body FROM entry WHERE id > ? AND id < ?"
_DIRECT = (
    "SELECT direct.id, kind, body FROM direct CROSS JOIN entry ON entry.id = direct.id"
    " WHERE direct.uid = ? AND direct.id > ? AND direct.id < ?"
)
