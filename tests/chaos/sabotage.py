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
from tcp_server.chat.outputs import Draft
from tcp_server.delivery.fanout import Fanout
from tcp_server.log.interface import AnyReplay, AnyReplayQuery, Outcome, Replay, ReplayQuery, Span
from tcp_server.log.readings import Readings
from tcp_server.log.writer import LogWriter

SKIPPED = 3  # messages that a broken resume leaves out
SWAPPED = 0.5  # share of a room's frames that a broken fan-out sends too early


def _break_resume() -> None:
    """Who comes back misses some messages: those right after the last one that it has."""
    replay = Readings.replay

    def forgetful(self: Readings, query: AnyReplayQuery) -> AnyReplay:
        found = replay(self, query)
        if isinstance(query, ReplayQuery) and query.span is Span.RECENT and isinstance(found, Replay):
            return replace(found, bodies=found.bodies[SKIPPED:])
        return found

    Readings.replay = forgetful  # type: ignore[method-assign]


def _break_dedup() -> None:
    """A message that was sent again is logged again."""
    append = LogWriter.append

    def blind(self: LogWriter, drafts: Sequence[Draft], changes: Changes | None = None) -> list[Outcome]:
        unknown = [copy(draft) for draft in drafts]
        for draft in unknown:
            if draft.refusal is None:
                draft.ref = None
        return append(self, unknown, changes)

    LogWriter.append = blind  # type: ignore[method-assign]


def _break_order() -> None:
    """Now and then a room's packet overtakes the one before it."""
    broadcast = Fanout.broadcast

    def hurried(self: Fanout[Any], room: Any, frame: bytes) -> None:
        broadcast(self, room, frame)
        frames = self._rooms[room]
        if len(frames) > 1 and random() < SWAPPED:
            (first, one), (second, two) = frames[-2:]
            frames[-2:] = [(first, two), (second, one)]

    Fanout.broadcast = hurried  # type: ignore[method-assign]


KINDS: dict[str, Callable[[], None]] = {"resume": _break_resume, "dedup": _break_dedup, "order": _break_order}


if __name__ == "__main__":
    KINDS[sys.argv[1]]()
    main(sys.argv[2:])
