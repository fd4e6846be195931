"""Pace: whether a session is sent everything at once, is being caught up, or gets nothing. One table decides it.

Rule 1: `Port.move` alone changes a port's pace, by this table. A move that is not in the table is a bug.
Rule 2: what happens to a session that the table has no row for, its port must not report: a bridge may say PAUSE twice.
"""

from __future__ import annotations

from enum import Enum


class Pace(Enum):
    OPENING = "gets direct answers, and hears nothing yet"
    LIVE = "hears its rooms and its direct messages"
    BEHIND = "is being caught up from the log"
    PAUSED = "waits for the bridge to say from which id to catch up"
    CLOSED = "gets nothing any more"


class PaceEvent(Enum):
    OPENED = "it went live and missed nothing"
    RETURNED = "it went live and missed entries"
    LAGGED = "its connection takes no more bytes, or its rooms changed while its link was behind"
    CAUGHT_UP = "the last replay is sent"
    PAUSED = "the bridge asked for a pause"
    RESUMED = "the bridge said from which id to catch up"
    ENDED = "the session is over"


PACES: dict[tuple[Pace, PaceEvent], Pace] = {
    (Pace.OPENING, PaceEvent.OPENED): Pace.LIVE,
    (Pace.OPENING, PaceEvent.RETURNED): Pace.BEHIND,
    (Pace.OPENING, PaceEvent.ENDED): Pace.CLOSED,
    (Pace.LIVE, PaceEvent.LAGGED): Pace.BEHIND,
    (Pace.LIVE, PaceEvent.PAUSED): Pace.PAUSED,
    (Pace.LIVE, PaceEvent.ENDED): Pace.CLOSED,
    (Pace.BEHIND, PaceEvent.CAUGHT_UP): Pace.LIVE,
    (Pace.BEHIND, PaceEvent.PAUSED): Pace.PAUSED,
    (Pace.BEHIND, PaceEvent.ENDED): Pace.CLOSED,
    (Pace.PAUSED, PaceEvent.RESUMED): Pace.BEHIND,
    (Pace.PAUSED, PaceEvent.ENDED): Pace.CLOSED,
}


def next_pace(pace: Pace, event: PaceEvent) -> Pace:
    """Return the pace after an event.

    Raises:
        AssertionError: nothing of this kind can happen at this pace.
    """
    following = PACES.get((pace, event))
    if following is None:
        raise AssertionError(f"a port that is {pace.name} can't be told {event.name}: {event.value}")
    return following
