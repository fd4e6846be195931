"""`python -m tests.chaos.kill`: the server is killed with -9 under full load, again and again.

No message that was acknowledged may be missing from its log (PROTOCOL.md section 5), nor be there twice.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from tests.chaos.checks import check
from tests.chaos.client import Client
from tests.chaos.world import World

TERMINALS = 6
WINDOW = 32  # messages of each client that wait for their echo
TICK_SECONDS = 0.005
LOAD_SECONDS = (0.02, 0.4)  # from the first echo to the kill
FIRST_ECHO_SECONDS = 30.0
SETTLE_SECONDS = 60.0


async def kill(times: int, seed: int, report: Callable[[str], None] = print) -> list[str]:
    """Kill a loaded server this many times; return all faults."""
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        world = World(Path(folder), random, terminals=TERMINALS, browsers=0, bridges=0)
        try:
            await world.open()
            talkers = [asyncio.create_task(_talk(client)) for client in world.crowd.clients]
            for number in range(times):
                await _await_echo(world)
                await asyncio.sleep(random.uniform(*LOAD_SECONDS))
                await world.server.kill()
                report(f"kill {number + 1}: {_acknowledged(world)} acknowledged so far")
                await world.server.start()
            for talker in talkers:
                talker.cancel()
            await asyncio.gather(*talkers, return_exceptions=True)
            await world.crowd.hush()
            wrongs = await world.crowd.settle(SETTLE_SECONDS)
            log = await world.log()
            wrongs += check(world.crowd.members, log)
            report(f"{times} kills, {_acknowledged(world)} acknowledged, {len(log)} in the log")
        finally:
            await world.close()
        wrongs += world.complaints()
    return wrongs


async def _talk(client: Client) -> None:
    """Keep the window full."""
    member = client.member
    while True:
        while len(member.outbox) < WINDOW:
            client.say(f"{member.label} says {len(member.said)}", room=member.rooms[0])
        await asyncio.sleep(TICK_SECONDS)


async def _await_echo(world: World) -> None:
    """Wait until the load goes on."""
    before = _acknowledged(world)
    async with asyncio.timeout(FIRST_ECHO_SECONDS):
        await world.crowd.until(lambda: _acknowledged(world) > before)


def _acknowledged(world: World) -> int:
    return sum(len(member.acknowledged) for member in world.crowd.members)


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.chaos.kill", description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="how often it is killed (default: %(default)d)")
    parser.add_argument("--seed", type=int, help="repeat the moments of this seed (default: a new one, printed)")
    options = parser.parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    print(f"seed {seed}")
    wrongs = asyncio.run(kill(options.times, seed, partial(print, flush=True)))
    for wrong in wrongs:
        print(f"WRONG  {wrong}")
    print(f"seed {seed}: {f'{len(wrongs)} things are wrong' if wrongs else 'nothing is wrong'}")
    sys.exit(bool(wrongs))


if __name__ == "__main__":
    main()
