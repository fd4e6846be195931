"""A whole load, small: against the real server and bridges, and against a server that spoils what it sends."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.bench import loader, measure, naive, programs
from tests.bench.load import Load, Report, Run, Sent, Task, percentile
from tests.bench.machine import cpu_seconds, memory_kib, usage

SMALL = Load(clients=12, rooms=2, publishers=2, window=4)
Spoil = Callable[[int, bytes], list[bytes]]  # a message's place and its packet -> what the last member gets instead


def load_once(port: int, load: Load) -> Report:
    """Load a server from this thread."""
    with closing(loader.Loader(Task(load=load, dialect="wp", port=port))) as loading:
        loading.arrive()
        now = time.monotonic()
        return loading.drain(loading.run(Run(start=now, begin=now + 0.05, stop=now + 0.2)))


async def load_naive(load: Load, spoil: Spoil, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Load a naive server of this process that spoils its second room's last member's packets."""
    monkeypatch.setattr(loader, "STALL_SECONDS", 0.5)

    class Spoiled(naive.Naive):
        count = 0

        def _write(self, room: str, writer: Any, data: bytes) -> None:
            if room == "bench1" and writer is list(self._rooms[room])[-1]:
                self.count += 1
                for packet in spoil(self.count, data):
                    writer.write(packet)
            else:
                writer.write(data)

    server = await asyncio.start_server(Spoiled().talk, "127.0.0.1", 0)
    async with server:
        return await asyncio.to_thread(load_once, server.sockets[0].getsockname()[1], load)


async def test_a_naive_server_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    report = await load_naive(SMALL, lambda count, packet: [packet], monkeypatch)
    assert report.faults == 0
    assert report.apart == 0
    assert report.expected > 0
    assert 0 < report.messages * 6 == pytest.approx(report.deliveries, rel=0.5)


held: list[bytes] = []


def swap(count: int, packet: bytes) -> list[bytes]:
    """Send the third message after the fourth... of the same publisher, at the latest after the ninth."""
    if count == 3:
        held.append(packet)
        return []
    return [packet, held.pop()] if count == 11 else [packet]


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda count, packet: [] if count == 5 else [packet], "lost"),
        (lambda count, packet: [packet, packet] if count == 5 else [packet], "duplicated"),
        (swap, "reordered"),
        (lambda count, packet: [packet.replace(b"....", b"xxxx")] if count == 5 else [packet], "damaged"),
        (lambda count, packet: [packet.replace(b":0001:", b":0000:")] if count == 5 else [packet], "misrouted"),
    ],
)
async def test_what_a_server_spoils_is_noticed(spoil: Spoil, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = await load_naive(SMALL, spoil, monkeypatch)
    assert getattr(report, fault) == 1
    assert report.lost == (fault in ("lost", "damaged", "misrouted"))
    assert report.apart >= 1  # all the others, if the one that was spoiled was read first


def test_the_server_under_load_from_other_processes() -> None:
    """Two loading processes, publishers in both, and every member hears all of them."""
    with programs.server() as target:
        result = measure.measure(target, SMALL, 0.2, parts=2)
    assert result.report.faults == 0
    assert result.report.apart == 0
    assert result.report.deliveries > 100
    assert 0 < result.per_delivery < 10_000
    assert 0 < result.latency(0.5) <= result.latency(0.99) <= result.latency(0.999)
    assert result.arrival.clients == SMALL.clients


@pytest.mark.parametrize("publishers", [1, 2])
def test_two_bridges_carry_one_room(publishers: int) -> None:
    """What is published behind one bridge is heard behind the other, also where nobody publishes behind that one."""
    with programs.server_with_bridges(2) as bridges:
        assert len({bridge.port for bridge in bridges}) == 2
        with measure.crowd(bridges, Load(clients=10, publishers=publishers, rate=100)) as loaders:
            result = loaders.run(0.3)
    assert result.report.faults == 0
    assert result.report.expected >= 10 * 30
    assert len(result.cpu) == 3


def test_a_program_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(programs.StartError, match="no such thing"),
        programs.program(["sh", "-c", "echo no such thing; exit 1"], "listening"),
    ):
        pass


def test_percentiles() -> None:
    assert percentile([], 0.5) == 0
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0, 0.5, 0.99, 1)] == [1, 3, 4, 4]


def test_cpu_and_memory_of_this_process() -> None:
    """It is the same time that Python measures, and PSS is below all that is resident."""
    before, own = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - own < 0.1:
        pass
    assert cpu_seconds(os.getpid()) - before == pytest.approx(time.process_time() - own, abs=0.05)
    assert 1_000 < memory_kib(os.getpid()) < 10_000_000
    used = usage([os.getpid()]).since(usage([os.getpid()]))
    assert used.processes[0] <= 0


def test_expectations_leave_out_what_a_sender_does_not_hear() -> None:
    """IRC doesn't echo: a publisher expects the others' messages only."""
    client = loader.Client(None, 0, 1, None, None)  # type: ignore[arg-type]
    with closing(loader.Loader(Task(load=SMALL, dialect="irc", port=1))) as loading:
        assert loading._due_to(client, Sent(counts={0: {0: 3, 1: 4}})) == {0: 3}
