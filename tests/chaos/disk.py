"""`python -m tests.chaos.disk`: the disk fills up under the log, and has room again later.

While the disk is full senders are told so, and no message is echoed without being logged; the chat goes on by itself
afterwards. The disk is full in one of two ways: no file of the server may grow beyond a limit; or, with `--small-disk
FOLDER` on a file system of few MiB, such as a tmpfs, another file takes all free space.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random

from tests.chaos.checks import check
from tests.chaos.world import World

TERMINALS = 6
BROWSERS = 2
PER_SECOND = 20.0  # messages of each client
ROOM_LEFT = 100_000  # bytes by which the server's largest file may still grow
CHUNK = 4096  # bytes of one write to the small disk
FULL_SECONDS = 2.0
WAIT_SECONDS = 20.0
RETRY_SECONDS = 0.5
SETTLE_SECONDS = 30.0


async def fill(
    times: int, seed: int, report: Callable[[str], None] = print, small_disk: Path | None = None
) -> list[str]:
    """Fill the disk this many times; return all faults."""
    full = partial(_no_room, small_disk) if small_disk else _no_growth
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=small_disk) as folder:
        world = World(Path(folder), Random(seed), terminals=TERMINALS, browsers=BROWSERS, bridges=1)
        try:
            await world.open()
            world.crowd.speak(PER_SECOND)
            retrying = asyncio.create_task(_retry(world))
            for number in range(times):
                await _wait_out(world, full)
                report(f"full {number + 1}: {_refused(world)} messages were refused so far")
            await world.crowd.hush()
            wrongs = await world.crowd.settle(SETTLE_SECONDS)
            retrying.cancel()
            log = await world.log()
            wrongs += check(world.crowd.members, log)
            said = sum(len(member.said) for member in world.crowd.members)
            report(f"{said} said, {_refused(world)} times refused, {len(log)} in the log")
        finally:
            await world.close()
        wrongs += world.complaints()
    return wrongs


async def _wait_out(world: World, full: Callable[[World], AbstractContextManager[None]]) -> None:
    """Keep the disk full until senders are told, and some time longer."""
    refused = _refused(world)
    with full(world):
        async with asyncio.timeout(WAIT_SECONDS):
            await world.crowd.until(lambda: _refused(world) > refused)
        await asyncio.sleep(FULL_SECONDS)


@contextmanager
def _no_growth(world: World) -> Iterator[None]:
    """Let no file of the server grow much beyond its largest one."""
    unlimited = resource.prlimit(world.server.pid, resource.RLIMIT_FSIZE)
    biggest = max(path.stat().st_size for path in world.data.iterdir())
    resource.prlimit(world.server.pid, resource.RLIMIT_FSIZE, (biggest + ROOM_LEFT, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(world.server.pid, resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def _no_room(disk: Path, world: World) -> Iterator[None]:
    """Take all free space of the disk."""
    filler = disk / "filler"
    try:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(CHUNK))
        yield
    finally:
        filler.unlink()


async def _retry(world: World) -> None:
    """Send refused messages again, like a person."""
    while True:
        await asyncio.sleep(RETRY_SECONDS)
        for client in world.crowd.clients:
            client.again()


def _refused(world: World) -> int:
    return sum(member.counts["log_unavailable"] for member in world.crowd.members)


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.chaos.disk", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="how often it fills up (default: %(default)d)")
    parser.add_argument("--seed", type=int, help="what is said, by seed (default: a new one, printed)")
    parser.add_argument(
        "--small-disk", type=Path, metavar="FOLDER", help="a folder on a small file system, to be filled"
    )
    options = parser.parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    print(f"seed {seed}")
    wrongs = asyncio.run(fill(options.times, seed, partial(print, flush=True), options.small_disk))
    for wrong in wrongs:
        print(f"WRONG  {wrong}")
    print(f"seed {seed}: {f'{len(wrongs)} things are wrong' if wrongs else 'nothing is wrong'}")
    sys.exit(bool(wrongs))


if __name__ == "__main__":
    main()
