"""One chaos run: a world, its faults, its end, and what was wrong."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.checks import check, check_page, check_rosters, check_senders_order
from tests.chaos.client import Client
from tests.chaos.crowd import Crowd
from tests.chaos.faults import inflict
from tests.chaos.member import Packet
from tests.chaos.world import World

PAGE = 200  # messages
PAGES = 40  # of one room or direct talk in one direction: a page has at least two messages


@dataclass(frozen=True)
class Plan:
    """The size of a run.

    Attributes:
        per_second: messages of each client.
        settle_seconds: from the last fault until every message must have arrived.
    """

    seed: int
    seconds: float
    faults: int
    terminals: int
    browsers: int
    bridges: int
    per_second: float = 2.0
    settle_seconds: float = 60.0
    server_module: tuple[str, ...] = ("-m", "tcp_server")


@dataclass
class Result:
    wrongs: list[str]
    counts: Counter[str]
    faults: list[str] = field(default_factory=list)


async def run(plan: Plan, report: Callable[[str], None] = print) -> Result:
    """Run a plan once, in a new folder; `report` gets a line for each event."""
    random = Random(plan.seed)
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        world = World(
            Path(folder),
            random,
            terminals=plan.terminals,
            browsers=plan.browsers,
            bridges=plan.bridges,
            server_module=plan.server_module,
        )
        try:
            await world.open()
            start = time.monotonic()

            def note(fault: str) -> None:
                faults.append(fault)
                report(f"{time.monotonic() - start:6.1f} s  {fault}")

            world.crowd.speak(plan.per_second)
            await inflict(world, random, plan.faults, plan.seconds, note)
            await world.crowd.hush()
            wrongs = await world.crowd.settle(plan.settle_seconds)
            report(f"{time.monotonic() - start:6.1f} s  settled")
            log = await world.log()
            wrongs += check(world.crowd.members, log)
            wrongs += check_senders_order(client.member for client in world.crowd.terminals)
            for member, request, page in world.crowd.pages:
                wrongs += check_page(member, request, page, log)
            if not wrongs:  # the questions need a chat that works
                wrongs += await _check_history(world.crowd, log, random)
                wrongs += await _check_rosters(world.crowd)
        finally:
            await world.close()
        wrongs += world.complaints()
    return Result(wrongs, _count(world, log), faults)


async def _check_history(crowd: Crowd, log: list[Packet], random: Random) -> list[str]:
    """Page through each room and each direct talk, in both directions, and compare the pages with the log."""
    wrongs: list[str] = []
    for client in (*crowd.terminals[:1], *crowd.browsers[:1]):
        others = {packet["to"] for packet in log if packet["nickname"] == client.member.nickname and "to" in packet}
        places: list[Packet] = [{"room": room} for room in client.member.rooms] + [{"to": name} for name in others]
        for place in places:
            wrongs += await _leaf_through(client, {**place, "after": 0}, log, random)
            wrongs += await _leaf_through(client, place, log, random)
    return wrongs


async def _leaf_through(client: Client, start: Packet, log: list[Packet], random: Random) -> list[str]:
    """Read at most PAGES pages of different sizes: forwards if the first request has `after`."""
    wrongs: list[str] = []
    place = start
    for _ in range(PAGES):
        request: Packet = {"type": "HISTORY", **place, "limit": random.randint(1, PAGE)}
        page = await client.ask(dict(request))
        wrongs += check_page(client.member, request, page, log)
        if wrongs or not page["messages"] or not page["more"]:
            break
        if "after" in start:
            place = {**start, "after": page["messages"][-1]["id"]}
        else:
            place = {**start, "before": page["messages"][0]["id"]}
    return wrongs


async def _check_rosters(crowd: Crowd) -> list[str]:
    """Ask for the members of each room."""
    rooms = sorted({room for member in crowd.members for room in member.rooms})
    asker = crowd.terminals[0]
    rosters = {room: await asker.ask({"type": "USERS", "room": room}) for room in rooms}
    return check_rosters(crowd.members, rosters)


def _count(world: World, log: list[Packet]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for client in world.crowd.clients:
        counts.update(client.member.counts)
        counts["said"] += len(client.member.said)
        counts["acknowledged"] += len(client.member.acknowledged)
        counts["heard"] += len(client.member.heard)
        counts["connections"] += client.connections
    counts["pages read meanwhile"] = len(world.crowd.pages)
    counts["in the log"] = len(log)
    counts["starts of the server"] = world.server.starts
    counts["starts of bridges"] = sum(bridge.starts for bridge in world.bridges)
    return counts
