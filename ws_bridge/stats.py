"""The bridge's counters for `/metrics`: plain numbers, changed only by the event loop."""

from dataclasses import dataclass


@dataclass(slots=True)
class Stats:
    """Counters that only grow since the bridge started."""

    accepted: int = 0  # browsers
    deliveries: int = 0  # room frames x the browsers that each was written to
    browser_bytes_out: int = 0
    browser_bytes_in: int = 0
    link_bytes_out: int = 0
    link_bytes_in: int = 0
    links: int = 0  # links that the server accepted: the first one and each reconnect
    pauses: int = 0  # sessions paused because their browser was congested
