"""Loads a target from separate processes, and returns the cost of a delivery."""

from __future__ import annotations

import heapq
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tests.bench import machine
from tests.bench.load import Arrived, Load, Report, Run, Sent, Task, percentile
from tests.bench.programs import Target

SETTLE_SECONDS = 0.5  # after the last arrival: counts of members are still under way
WARM_UP_SECONDS = 0.7
AHEAD_SECONDS = 0.05  # between the order to run and its start, so that all processes start together

_Answer = TypeVar("_Answer", Arrived, Sent, Report)


class LoaderFailed(RuntimeError):
    """A loading process ended; its reason is on standard error."""


@dataclass(frozen=True)
class Result:
    """The result of one load.

    Attributes:
        cpu: seconds of each of the target's processes while `report` was measured.
        other: processors that other programs used meanwhile. Where this or `stolen`, the processors that the host gave
            to others, is high, latencies and rates say little.
    """

    target: Target
    load: Load
    seconds: float
    cpu: tuple[float, ...]
    other: float
    stolen: float
    report: Report
    arrival: Arrival

    @property
    def per_delivery(self) -> float:
        """Microseconds of CPU per message and member."""
        return 1e6 * sum(self.cpu) / max(1, self.report.deliveries)

    @property
    def per_message(self) -> tuple[float, ...]:
        """Microseconds of CPU per message, of each process."""
        return tuple(1e6 * cpu / max(1, self.report.messages) for cpu in self.cpu)

    def latency(self, share: float) -> float:
        """Return a percentile in milliseconds."""
        return 1e3 * percentile(self.report.latencies, share)


@dataclass(frozen=True)
class Arrival:
    """The cost of bringing all clients into their rooms."""

    clients: int
    seconds: float
    cpu: float
    kib: float  # growth of all the target's processes

    @property
    def kib_each(self) -> float:
        return self.kib / self.clients

    @property
    def cpu_each(self) -> float:
        """Microseconds of CPU per arrival."""
        return 1e6 * self.cpu / self.clients


class Loaders:
    """The processes of one load; `crowd` makes them."""

    def __init__(self, processes: Sequence[subprocess.Popen[bytes]], targets: Sequence[Target], load: Load) -> None:
        self._processes = processes
        self._load = load
        self._target = targets[0]
        self._pids = list(dict.fromkeys(pid for target in targets for pid in target.pids))
        before, kib = machine.usage(self._pids), self._memory()
        for part, process in enumerate(processes):
            target = targets[part % len(targets)]
            parts = len(processes)
            self._tell(process, Task(load=load, dialect=target.dialect, port=target.port, part=part, parts=parts))
        arrived = [self._hear(process, Arrived) for process in processes]
        used = machine.usage(self._pids).since(before)
        time.sleep(SETTLE_SECONDS)
        self.arrival = Arrival(
            sum(each.clients for each in arrived),
            max(each.seconds for each in arrived),
            sum(used.processes),
            self._memory() - kib,
        )

    def run(self, seconds: float) -> Result:
        """Publish, measure and check."""
        start = time.monotonic() + AHEAD_SECONDS
        order = Run(start=start, begin=start + WARM_UP_SECONDS, stop=start + WARM_UP_SECONDS + seconds)
        for process in self._processes:
            self._tell(process, order)
        time.sleep(max(0.0, order.begin - time.monotonic()))
        before = machine.usage(self._pids)
        time.sleep(max(0.0, order.stop - time.monotonic()))
        used = machine.usage(self._pids).since(before)
        sent = Sent(counts={})
        for process in self._processes:
            for room, counts in self._hear(process, Sent).counts.items():
                sent.counts.setdefault(room, {}).update(counts)
        for process in self._processes:
            self._tell(process, sent)
        report = _sum([self._hear(process, Report) for process in self._processes])
        others = used.machine - sum(used.processes) - report.cpu
        return Result(
            target=self._target,
            load=self._load,
            seconds=used.at,
            cpu=used.processes,
            other=max(0.0, others / used.at),
            stolen=used.stolen / used.at,
            report=report,
            arrival=self.arrival,
        )

    def _memory(self) -> int:
        return sum(map(machine.memory_kib, self._pids))

    def _tell(self, process: subprocess.Popen[bytes], order: Task | Run | Sent) -> None:
        if process.stdin is None:
            raise AssertionError("loaders are started with a pipe")
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()

    def _hear(self, process: subprocess.Popen[bytes], kind: type[_Answer]) -> _Answer:
        if process.stdout is None:
            raise AssertionError("loaders are started with a pipe")
        line = process.stdout.readline()
        if not line:
            raise LoaderFailed(f"a loading process ended with {process.wait()}")
        return msgspec.json.decode(line, type=kind)


@contextmanager
def crowd(targets: Target | Sequence[Target], load: Load, parts: int = 1) -> Iterator[Loaders]:
    """Bring a load's clients into their rooms from `parts` processes; several targets share the processes."""
    targets = [targets] if isinstance(targets, Target) else targets
    with ExitStack() as stack:
        processes = []
        for _ in range(max(parts, len(targets))):
            command = [sys.executable, "-m", "tests.bench.loader"]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.callback(_end, process)
            processes.append(process)
        yield Loaders(processes, targets, load)


def measure(target: Target, load: Load, seconds: float, parts: int = 1) -> Result:
    """Load a target once."""
    with crowd(target, load, parts) as loaders:
        return loaders.run(seconds)


def _sum(reports: Sequence[Report]) -> Report:
    total = Report(latencies=list(heapq.merge(*(report.latencies for report in reports))))
    for report in reports:
        for field in msgspec.structs.fields(Report):
            if field.name != "latencies":
                setattr(total, field.name, getattr(total, field.name) + getattr(report, field.name))
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    process.communicate()  # closes its standard input, which ends the process
    if process.returncode is None:
        process.kill()
