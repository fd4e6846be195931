"""Loads and their results: the messages between the benchmark and its loading processes."""

from __future__ import annotations

import msgspec

from tests.bench import peer_dialects
from tests.bench.dialects import Dialect, WebSocket, WordPackets

DIALECTS: dict[str, Dialect] = {
    "wp": WordPackets(),
    "ws": WebSocket(),
    "irc": peer_dialects.Irc(),
    "mqtt": peer_dialects.Mqtt(),
    "nats": peer_dialects.Nats(),
}


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Clients in rooms: client `i` sits in room `i % rooms`; the first members of each room publish.

    With a `window`, each publisher has this number of messages under way. With a `rate`, all publishers together send
    this number of messages a second, evenly and without waiting for echoes; latency counts from the time at which a
    message was due.
    """

    clients: int
    rooms: int = 1
    publishers: int = 1  # in each room
    window: int = 4
    rate: float = 0.0  # messages a second; 0: by window

    def room_size(self, room: int) -> int:
        return len(range(room, self.clients, self.rooms))


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """The share of a load for one loading process."""

    load: Load
    dialect: str
    port: int
    part: int = 0  # this process has the clients whose place in their room is `part` modulo `parts`
    parts: int = 1
    nick: str = "u"


class Arrived(msgspec.Struct, kw_only=True):
    """All clients are in their rooms."""

    clients: int
    seconds: float


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Publish from `start` to `stop` and measure from `begin` to `stop`; seconds of `time.monotonic`."""

    start: float
    begin: float
    stop: float


class Sent(msgspec.Struct, kw_only=True):
    """The number of messages that each publisher sent, by room and slot."""

    counts: dict[int, dict[int, int]]


class Report(msgspec.Struct, kw_only=True):
    """The result of one process: faults of the whole run, other figures between `begin` and `stop`."""

    messages: int = 0  # published
    deliveries: int = 0
    reads: int = 0
    cpu: float = 0.0  # seconds, the loader's own
    latencies: list[float] = []  # seconds, sorted: all, or an even sample
    expected: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    misrouted: int = 0
    damaged: int = 0
    apart: int = 0  # receivers with another order than the first receiver of their room
    closed: int = 0  # connections that the server ended

    @property
    def faults(self) -> int:
        return self.lost + self.duplicated + self.reordered + self.misrouted + self.damaged + self.closed


def percentile(ordered: list[float], share: float) -> float:
    """Return the value below which a share of the values lies; 0 of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
