"""The chaos tests in short: each of them is a command of its own for longer runs."""

from __future__ import annotations

import secrets
import sys

import pytest

from tests.chaos.disk import fill
from tests.chaos.kill import kill
from tests.chaos.run import Plan, run
from tests.chaos.slow import Scene, play

MEMORY_MORE = 16 * 2**20  # bytes: a replay's pages are 1 MB here; a queue of a sleeper's messages would be 20 MB


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_whatever_fails() -> None:
    """Terminals and browsers agree with the log in the end, after kills, stops, resets, stalls and bursts."""
    seed = secrets.randbits(32)
    plan = Plan(seed=seed, seconds=7, faults=13, terminals=8, browsers=8, bridges=2)
    result = await run(plan)
    assert not result.wrongs, f"python -m tests.chaos --seed {seed}"
    assert result.counts["acknowledged"] == result.counts["said"] == result.counts["in the log"] > 100
    assert len(result.faults) == plan.faults


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "finding"), [("resume", "were lost"), ("dedup", "logged twice"), ("order", "too late")]
)
async def test_a_broken_server_is_found_out(kind: str, finding: str) -> None:
    """The same run sees a server without one of its promises, and for the right reason."""
    module = ("-m", "tests.chaos.sabotage", kind)
    plan = Plan(
        seed=20,
        seconds=2,
        faults=3,
        terminals=8,
        browsers=0,
        bridges=0,
        per_second=10,
        settle_seconds=5,
        server_module=module,
    )
    result = await run(plan)
    assert any(finding in wrong for wrong in result.wrongs), result.wrongs


@pytest.mark.slow
async def test_acknowledged_messages_survive_kills() -> None:
    assert await kill(3, secrets.randbits(32)) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
async def test_sleepers_cost_no_growing_memory_and_miss_nothing() -> None:
    """A terminal and a browser that don't read are caught up in order, and until then cost next to nothing."""
    nobody = await play(Scene(5_000, 2_500, characters=4_000))
    asleep = await play(Scene(5_000, 2_500, terminals=1, browsers=1, characters=4_000))
    assert nobody.wrongs + asleep.wrongs == []
    more = {name: growth - nobody.growth[name] for name, growth in asleep.growth.items()}
    assert max(more.values()) < MEMORY_MORE, more


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="prlimit on another process")
async def test_a_full_disk_refuses_and_recovers() -> None:
    assert await fill(1, secrets.randbits(32)) == []
