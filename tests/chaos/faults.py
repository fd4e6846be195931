"""The faults: a table, from which a seed draws at random."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from tests.chaos.children import Child
from tests.chaos.proxy import Line, Proxy
from tests.chaos.world import World

AWAY_SECONDS = 1.5  # at most, until a killed process is started again
STOP_SECONDS = 3.0  # at most
STALL_SECONDS = 4.0
THROTTLE_SECONDS = 4.0
THROTTLE_RATES = (2_000, 20_000, 200_000)  # bytes per second
NAP_SECONDS = 4.0
# Bursts of one member while a connection stalls: the number of messages, and their text. The first burst congests
# single connections; the second, of 24,000 bytes a message, congests a whole link.
BURST = (200, "!" * 2_000)
LINK_BURST = (250, "…" * 7_900)
SOME = 0.3  # share of the connections hit by one fault

Report: TypeAlias = Callable[[str], None]
Deed: TypeAlias = Callable[[World, Random, Report], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Fault:
    """A row of the table.

    Attributes:
        weight: how often the fault is drawn, relative to the others.
        needs_bridge: the fault needs a bridge.
    """

    name: str
    weight: int
    do: Deed
    needs_bridge: bool = False


async def inflict(world: World, random: Random, count: int, seconds: float, report: Report) -> None:
    """Commit this many faults in about this many seconds; return when the last one is over.

    Faults overlap, but no process is hit twice at a time.
    """
    tasks = []
    for fault in draw(random, count, bool(world.bridges)):
        await asyncio.sleep(seconds / count * random.uniform(0.5, 1.5))
        tasks.append(asyncio.get_running_loop().create_task(fault.do(world, random, report)))
    await asyncio.gather(*tasks)


def draw(random: Random, count: int, has_bridges: bool) -> list[Fault]:
    """Draw faults: each kind once before any kind comes twice."""
    kinds = [fault for fault in FAULTS if has_bridges or not fault.needs_bridge]
    drawn = random.sample(kinds, min(count, len(kinds)))
    drawn += random.choices(kinds, [kind.weight for kind in kinds], k=count - len(drawn))
    random.shuffle(drawn)
    return drawn


# Processes


async def _kill_server(world: World, random: Random, report: Report) -> None:
    await _kill(world.server, random, report)


async def _kill_bridge(world: World, random: Random, report: Report) -> None:
    await _kill(random.choice(world.bridges), random, report)


async def _kill(child: Child, random: Random, report: Report) -> None:
    away = random.uniform(0, AWAY_SECONDS)
    async with child.lock:
        report(f"kill -9 {child.name}, back after {away:.1f} s")
        await child.kill()
        await asyncio.sleep(away)
        await child.start()


async def _terminate_server(world: World, random: Random, report: Report) -> None:
    async with world.server.lock:
        report("terminate server, back at once")
        await world.server.terminate()
        await world.server.start()


async def _stop_server(world: World, random: Random, report: Report) -> None:
    await _stop(world.server, random, report)


async def _stop_bridge(world: World, random: Random, report: Report) -> None:
    await _stop(random.choice(world.bridges), random, report)


async def _stop(child: Child, random: Random, report: Report) -> None:
    seconds = random.uniform(0.1, STOP_SECONDS)
    async with child.lock:
        report(f"stop {child.name} for {seconds:.1f} s")
        child.stop()
        await asyncio.sleep(seconds)
        child.go_on()


# Connections


async def _reset_terminals(world: World, random: Random, report: Report) -> None:
    _reset(await _some_lines([world.door], random), "terminals", report)


async def _reset_browsers(world: World, random: Random, report: Report) -> None:
    _reset(await _some_lines(world.doors, random), "browsers", report)


async def _reset_link(world: World, random: Random, report: Report) -> None:
    _reset(await _some_lines([random.choice(world.links)], random), "links", report)


def _reset(lines: list[Line], whose: str, report: Report) -> None:
    report(f"reset {len(lines)} of {whose}")
    for line in lines:
        line.reset()


async def _stall_some(world: World, random: Random, report: Report) -> None:
    lines = await _some_lines([world.door, *world.doors], random)
    seconds = random.uniform(0.5, STALL_SECONDS)
    report(f"stall {len(lines)} connections for {seconds:.1f} s, during a burst")
    _burst(world, random)
    await asyncio.gather(*(line.stall(seconds) for line in lines))


async def _stall_link(world: World, random: Random, report: Report) -> None:
    lines = await _some_lines([random.choice(world.links)], random)
    seconds = random.uniform(0.5, STALL_SECONDS)
    report(f"stall a link for {seconds:.1f} s, during a burst")
    _burst(world, random, LINK_BURST)
    await asyncio.gather(*(line.stall(seconds) for line in lines))


async def _throttle_some(world: World, random: Random, report: Report) -> None:
    lines, rate = await _some_lines([world.door, *world.doors], random), random.choice(THROTTLE_RATES)
    report(f"throttle {len(lines)} connections to {rate} bytes/s")
    await asyncio.gather(*(line.throttle(rate, THROTTLE_SECONDS) for line in lines))


async def _throttle_link(world: World, random: Random, report: Report) -> None:
    lines, rate = await _some_lines([random.choice(world.links)], random), random.choice(THROTTLE_RATES)
    report(f"throttle a link to {rate} bytes/s, during a burst")
    _burst(world, random, LINK_BURST)
    await asyncio.gather(*(line.throttle(rate, THROTTLE_SECONDS) for line in lines))


async def _nap(world: World, random: Random, report: Report) -> None:
    clients = _some(world.crowd.clients, random)
    seconds = random.uniform(0.5, NAP_SECONDS)
    report(f"{len(clients)} clients don't read for {seconds:.1f} s, during a burst")
    _burst(world, random)
    await asyncio.gather(*(client.nap(seconds) for client in clients))


def _burst(world: World, random: Random, burst: tuple[int, str] = BURST) -> None:
    """Let one member send a burst, so that connections become congested."""
    client = random.choice(world.crowd.clients)
    room = random.choice(client.member.rooms)
    count, shout = burst
    for _ in range(count):
        client.say(f"{client.member.label} shouts {len(client.member.said)}: {shout}", room=room)


def _some(things: list[Any], random: Random) -> list[Any]:
    return random.sample(things, min(len(things), max(1, int(len(things) * SOME))))


async def _some_lines(proxies: list[Proxy], random: Random) -> list[Line]:
    """Pick some connections; while the server is away there may be none."""
    while not (lines := [line for proxy in proxies for line in proxy.lines]):
        await proxies[0].has_line.wait()
    return _some(lines, random)


FAULTS = [
    Fault("kill the server", 4, _kill_server),
    Fault("terminate the server", 1, _terminate_server),
    Fault("stop the server", 2, _stop_server),
    Fault("kill a bridge", 3, _kill_bridge, needs_bridge=True),
    Fault("stop a bridge", 2, _stop_bridge, needs_bridge=True),
    Fault("reset terminals", 3, _reset_terminals),
    Fault("reset browsers", 3, _reset_browsers, needs_bridge=True),
    Fault("reset a link", 3, _reset_link, needs_bridge=True),
    Fault("stall connections", 2, _stall_some),
    Fault("stall a link", 2, _stall_link, needs_bridge=True),
    Fault("throttle connections", 2, _throttle_some),
    Fault("throttle a link", 2, _throttle_link, needs_bridge=True),
    Fault("clients that don't read", 2, _nap),
]
