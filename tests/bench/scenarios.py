"""The scenarios: the loads, and the programs under them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.bench import programs
from tests.bench.load import Load
from tests.bench.measure import Arrival, Result, crowd, measure
from tests.bench.programs import Target

FAN_OUT = {
    "A": Load(clients=500, publishers=4, window=8),
    "B": Load(clients=1_000, rooms=100, window=4),
    "C": Load(clients=200, rate=50),
    "E": Load(clients=5_000, window=2),
}
ABOUT = {
    "A": "500 members, 4 publishers, window 8",
    "B": "1,000 clients in 100 rooms, window 4",
    "C": "200 members, 50 messages a second",
    "E": "5,000 members, 1 publisher, window 2",
}

IDLE = Load(clients=10_000, rooms=1_000, publishers=0)
CROWD = Load(clients=10_000, publishers=0)  # all into one room

MEMBERS = (100, 1_000, 10_000)
ROOMS = (1, 10, 100, 1_000)
ROOM_SIZE = 10
BROWSERS = (10, 100, 1_000)
BROWSERS_FULL = (*BROWSERS, 8_000)
BROWSERS_RATE = 25.0  # messages a second: at 8,000 browsers 200,000 deliveries a second

ROUNDS = 2
BRIDGES = (1, 2)
BRIDGE_SIZE = 2_000  # browsers behind each

LOG = Load(clients=8, rooms=8, window=64)  # one client a room: the log does nearly all of the work

Program: TypeAlias = Callable[[], AbstractContextManager[Target]]


@dataclass
class Series:
    """A figure that must stay flat while something grows."""

    title: str
    grows: str
    unit: str
    points: list[tuple[int, float]] = field(default_factory=list)

    def add(self, size: int, cost: float) -> None:
        """Take a measured cost; of two costs at one size the lower counts."""
        points = dict(self.points)
        points[size] = min(cost, points.get(size, cost))
        self.points = sorted(points.items())

    @property
    def growth(self) -> float:
        """The largest ratio of a value to the value at a smaller size; at most 1 if the values never grow."""
        values = [value for _, value in self.points]
        return max(later / value for place, value in enumerate(values) for later in values[place:])


@dataclass
class Figures:
    """All figures of a run of the benchmark."""

    fan_out: dict[str, list[Result]] = field(default_factory=dict)  # by scenario
    arrivals: list[tuple[str, str, Arrival]] = field(default_factory=list)  # load, target, cost
    growth: list[Series] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)  # question, answer
    faults: list[str] = field(default_factory=list)

    def grew(self, title: str, grows: str, unit: str, size: int, cost: float) -> None:
        """Note a cost in the series with this title."""
        for series in self.growth:
            if series.title == title:
                break
        else:
            series = Series(title, grows, unit)
            self.growth.append(series)
        series.add(size, cost)

    def check(self, name: str, result: Result) -> Result:
        """Note the faults of one load."""
        report = result.report
        if report.faults:
            self.faults.append(
                f"{name}, {result.target.name}: {report.lost} lost, {report.duplicated} doubled,"
                f" {report.reordered} out of order, {report.misrouted} in a wrong room,"
                f" {report.damaged} damaged, {report.closed} connections ended"
            )
        if report.apart and result.target.dialect in ("wp", "ws"):
            self.faults.append(f"{name}, {result.target.name}: {report.apart} members saw another order")
        return result


@contextmanager
def server_and_bridge(root: Path = programs.ROOT) -> Iterator[Target]:
    """Run the server and one bridge of the tree `root`."""
    with programs.server_with_bridges(root=root) as bridges:
        yield bridges[0]


OURS: Sequence[Program] = (programs.server, server_and_bridge, programs.naive)


def run_fan_out(figures: Figures, scenario: str, programs: Sequence[Program], seconds: float) -> None:
    """Load each program the same way, one after the other."""
    for run in programs:
        with run() as target:
            result = measure(target, FAN_OUT[scenario], seconds)
        figures.fan_out.setdefault(scenario, []).append(figures.check(scenario, result))


def run_idle(figures: Figures, full: bool) -> None:
    """Let thousands arrive and stay idle: in many rooms; in a full run also in one room."""
    loads = [("1,000 rooms", IDLE)] + ([("one room", CROWD)] if full else [])
    for name, load in loads:
        for run in OURS:
            with run() as target, crowd(target, load) as crowded:
                figures.arrivals.append((f"{load.clients:,} into {name}", target.name, crowded.arrival))


def run_growth(figures: Figures, seconds: float, full: bool) -> None:
    """Let members, rooms, browsers and bridges grow.

    All sizes are measured in turn, and twice. The machine's neighbours can make a run dearer but not cheaper, so the
    lower figure counts.
    """
    for _ in range(ROUNDS):
        for count in MEMBERS:
            with programs.server() as target:
                result = measure(target, Load(clients=count, window=2), seconds)
            cost = figures.check(f"{count} members", result).per_delivery
            figures.grew("More members in a room", "members", "µs a delivery", count, cost)
        for count in ROOMS:
            with programs.server() as target:
                result = measure(target, Load(clients=count * ROOM_SIZE, rooms=count), seconds)
            cost = figures.check(f"{count} rooms", result).per_delivery
            figures.grew(f"More rooms of {ROOM_SIZE} members", "rooms", "µs a delivery", count, cost)
        for count in BROWSERS_FULL if full else BROWSERS:
            with server_and_bridge() as target:
                result = measure(target, Load(clients=count, rate=BROWSERS_RATE), max(seconds, 3.0))
            cost = figures.check(f"{count} browsers", result).per_message[0]
            title, unit = "More browsers behind one bridge", "µs of the server a room message"
            figures.grew(title, "browsers", unit, count, cost)
        for count in BRIDGES if full else ():
            cost = _run_bridges(figures, count, max(seconds, 3.0))
            title = f"More bridges of {BRIDGE_SIZE:,} browsers"
            figures.grew(title, "bridges", "µs of the bridges a delivery", count, cost)


def _run_bridges(figures: Figures, count: int, seconds: float) -> float:
    """Let all browsers of some bridges hear one room; return the bridges' cost of a delivery."""
    load = Load(clients=count * BRIDGE_SIZE, rate=BROWSERS_RATE)
    with programs.server_with_bridges(count) as targets, crowd(targets, load) as loaders:
        result = figures.check(f"{count} bridges", loaders.run(seconds))
    return 1e6 * sum(result.cpu[1:]) / result.report.deliveries
