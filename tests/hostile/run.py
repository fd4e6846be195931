"""One row of the table: an attack for some seconds, beside ten honest clients over TCP and ten through the bridge."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import programs
from tests.bench.machine import cpu_seconds, memory_kib
from tests.hostile.attacks import ATTACKS, WIDE
from tests.hostile.honest import Counts, Honest
from tests.hostile.wire import Hostile, body

ROOT = Path(__file__).parents[2]
HONEST = 10  # over TCP, and as many through the bridge
WIDE_MESSAGES = 1_000  # 32 KB each: what a replay, a search or a page may be asked to read
SAMPLE_SECONDS = 0.1


@dataclass
class Row:
    """What an attack did to others; of the processes the server's figure comes first, then the bridge's."""

    name: str
    counts: Counts
    cpu_seconds: tuple[float, ...]
    memory_kib: tuple[int, ...]  # the most that was seen


@dataclass(frozen=True)
class House:
    """The server and its bridge: where they listen, and their processes in this order."""

    tcp_port: int
    web_port: int
    pids: tuple[int, int]


def fill(tcp_port: int) -> None:
    """Say long messages in a room of their own, for attacks that make the server read them."""
    hostile = Hostile(tcp_port)
    hostile.open("filler", rooms=["wide"])
    for number in range(WIDE_MESSAGES):
        hostile.send(body("MSG", room="wide", message=WIDE, ref=f"fill-{number}"))
        said = b""
        while f"fill-{number}".encode() not in said and not hostile.is_dead:
            said += hostile.read_some()
    hostile.send(body("BYE"))
    hostile.close()


@contextmanager
def house() -> Iterator[House]:
    """Run a server, filled with long messages, and a bridge to it."""
    with programs.server() as server:
        fill(server.port)
        command = [sys.executable, "-m", "ws_bridge", "--server", f"127.0.0.1:{server.port}", "--host", "127.0.0.1"]
        command += ["--port", "0", "--log-level", "warning"]
        with programs.program(command, r"127\.0\.0\.1:(\d+)/") as (bridge, port):
            yield House(server.port, int(port), (server.pids[0], bridge.pid))


async def attack(name: str, house: House, seconds: float) -> Row:
    """Run one attack, and count what honest clients met meanwhile."""
    counts = Counts()
    done = asyncio.Event()
    place = list(ATTACKS).index(name)  # a house may see several attacks, and keeps the nicknames for a while
    honest = [
        Honest(f"{kind}{number}-{place}", port, web=web, counts=counts)
        for kind, port, web in (("tcp", house.tcp_port, False), ("web", house.web_port, True))
        for number in range(HONEST)
    ]
    talking = [asyncio.create_task(one.run(done)) for one in honest]
    await asyncio.sleep(1.0)
    before = [cpu_seconds(pid) for pid in house.pids]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.hostile.attacks", name),
        *(str(house.tcp_port), str(house.web_port), str(seconds)),
        cwd=ROOT,
    )
    most = [0, 0]
    ending = asyncio.create_task(process.wait())
    while not ending.done():
        await asyncio.wait({ending}, timeout=SAMPLE_SECONDS)
        most = [max(so_far, memory_kib(pid)) for so_far, pid in zip(most, house.pids, strict=True)]
    spent = tuple(cpu_seconds(pid) - then for pid, then in zip(house.pids, before, strict=True))
    done.set()
    results = await asyncio.gather(*talking, return_exceptions=True)
    counts.unanswered += sum(isinstance(result, BaseException) for result in results)
    return Row(name, counts, spent, tuple(most))


def report(row: Row) -> str:
    """Return a row of the table."""
    server, bridge = row.cpu_seconds
    return (
        f"{row.name:<30} p50 {row.counts.percentile(0.5) * 1000:6.1f} p99 {row.counts.percentile(0.99) * 1000:8.1f} ms"
        f"  unanswered {row.counts.unanswered:4}  CPU {server:5.1f} and {bridge:5.1f} s"
        f"  memory {row.memory_kib[0] / 1024:6.1f} and {row.memory_kib[1] / 1024:6.1f} MiB"
    )
