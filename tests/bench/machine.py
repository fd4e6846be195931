"""CPU time and memory of processes and of the machine, from Linux's /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """CPU seconds up to a moment, or between two.

    Attributes:
        at: seconds of `time.monotonic`.
        processes: user and system time of each process asked for.
        machine: of all programs on the machine, without the kernel's own handling of network packets.
        stolen: time that the host of a virtual machine gave to others while this machine had work.
    """

    at: float
    processes: tuple[float, ...]
    machine: float
    stolen: float

    def since(self, before: Usage) -> Usage:
        """Return the usage between two moments."""
        processes = tuple(now - then for now, then in zip(self.processes, before.processes, strict=True))
        return Usage(self.at - before.at, processes, self.machine - before.machine, self.stolen - before.stolen)


def usage(pids: Sequence[int]) -> Usage:
    """Return the usage up to now."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _wait, _irq, _softirq, stolen = map(int, file.readline().split()[1:9])
    processes = tuple(cpu_seconds(pid) for pid in pids)
    return Usage(time.monotonic(), processes, (user + nice + system) / _TICKS, stolen / _TICKS)


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of all threads of a process."""
    try:  # the scheduler's own count: the same time, in nanoseconds instead of steps of 10 ms
        counts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    except OSError:
        counts = []  # a thread ended meanwhile
    if counts:
        return sum(int(count.split()[0]) for count in counts) / 1e9
    # The name in the second field may hold spaces and brackets; the fields after it are plain.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_kib(pid: int) -> int:
    """Return a process's PSS in KiB: its own memory, and its share of memory in common with other processes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise OSError(f"/proc/{pid}/smaps_rollup says no PSS")
