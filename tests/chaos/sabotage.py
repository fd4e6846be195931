"""`python -m tests.chaos.sabotage KIND …`: the chat server, broken on purpose, so that the chaos test must find it out.

Each kind takes one promise from the running server; no file is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from random import random
from typing import Any

from tcp_server.__main__ import main
from tcp_server.chat.directory import Changes
from tcp_server.chat.state import Draft
from tcp_server.delivery.fanout import Fanout
from tcp_server.log.log import Log, Outcome
from tcp_server.log.readings import Reader, Readings, Replay

SKIPPED = 3  # messages that a broken resume leaves out
SWAPPED = 0.5  # share of a room's frames that a broken fan-out sends too early


def _break_resume() -> None:
    """Who comes back misses some messages: those right after the last one that it has."""
    missed_of_late = Readings.missed_of_late

    def forgetful(self: Readings, reader: Reader, after: int, limit: int) -> Replay:
        replay = missed_of_late(self, reader, after, limit)
        return replace(replay, bodies=replay.bodies[SKIPPED:])

    Readings.missed_of_late = forgetful  # type: ignore[method-assign]


def _break_dedup() -> None:
    """A message that was sent again is logged again."""
    append = Log.append

    def blind(self: Log, drafts: Sequence[Draft], changes: Changes | None = None) -> list[Outcome]:
        unknown = [copy(draft) for draft in drafts]
        for draft in unknown:
            if draft.refusal is None:
                draft.ref = None
        return append(self, unknown, changes)

    Log.append = blind  # type: ignore[method-assign]


def _break_order() -> None:
    """Now and then a room's packet overtakes the one before it."""
    broadcast = Fanout.broadcast

    def hurried(self: Fanout, room: Any, packet: bytes) -> None:
        broadcast(self, room, packet)
        packets = self._rooms[room]
        if len(packets) > 1 and random() < SWAPPED:
            (first, one), (second, two) = packets[-2:]
            packets[-2:] = [(first, two), (second, one)]

    Fanout.broadcast = hurried  # type: ignore[method-assign]


KINDS: dict[str, Callable[[], None]] = {"resume": _break_resume, "dedup": _break_dedup, "order": _break_order}


if __name__ == "__main__":
    KINDS[sys.argv[1]]()
    main(sys.argv[2:])
