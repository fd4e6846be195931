"""CPU time of this thread for a piece of work, as the product spends it: without coverage's tracing."""

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import TypeVar

ROUNDS = 3  # of three measurements each; the machine may be busy in one of them

_Stage = TypeVar("_Stage")


def cost(work: Callable[[], object], enough: float) -> float:
    """Return the seconds of CPU time: the median of three, of the best round, if one measurement isn't below `enough`.

    Work that is too dear is so in every round; a neighbour on the machine's cores is not always there.
    """
    return cost_on(lambda: None, lambda _: work(), enough)


def cost_on(prepare: Callable[[], _Stage], work: Callable[[_Stage], object], enough: float) -> float:
    """As `cost`, of work on a fresh stage each time; what it takes to prepare that isn't counted."""
    first = _measure(partial(work, prepare()))
    if first < enough:
        return first
    return min(median([_measure(partial(work, prepare())) for _ in range(3)]) for _ in range(ROUNDS))


def _measure(work: Callable[[], object]) -> float:
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        start = time.thread_time()
        work()
        return time.thread_time() - start
    finally:
        sys.settrace(trace)
