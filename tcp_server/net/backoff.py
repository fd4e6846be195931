"""Delays between attempts to reach a server, for bridge and client."""

import random
from collections.abc import Callable, Iterator


def backoff(least: float, most: float, uniform: Callable[[float, float], float] = random.uniform) -> Iterator[float]:
    """Yield delays in seconds, without end: `least` first, then each twice as long as the one before, up to `most`.

    Each is cut by up to a half at random, so that the clients of a server that comes back don't arrive in step.
    """
    delay = least
    while True:
        yield delay * uniform(0.5, 1.0)
        delay = min(2 * delay, most)
