"""`python -m tests.chaos`: the whole chat under random faults from a printed seed."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys

from tests.chaos.run import Plan, Result, run
from tests.chaos.sabotage import KINDS

SHOWN = 40  # faults that are printed


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="repeat the faults of this seed (default: a new one, printed)")
    add("--seconds", type=float, default=90.0, help="how long the faults take (default: %(default)g)")
    add("--faults", type=int, default=60, help="how many there are (default: %(default)d)")
    add("--terminals", type=int, default=20, help="clients over TCP (default: %(default)d)")
    add("--browsers", type=int, default=20, help="clients over WebSocket (default: %(default)d)")
    add("--bridges", type=int, default=2, help="that they are divided among (default: %(default)d)")
    add("--rate", type=float, default=2.0, help="messages per second of each client (default: %(default)g)")
    add("--sabotage", choices=sorted(KINDS), help="break the server on purpose, to see that this test sees it")
    options = parser.parse_args()
    plan = Plan(
        seed=secrets.randbits(32) if options.seed is None else options.seed,
        seconds=options.seconds,
        faults=options.faults,
        terminals=options.terminals,
        browsers=options.browsers if options.bridges else 0,
        bridges=options.bridges,
        per_second=options.rate,
        server_module=("-m", "tests.chaos.sabotage", options.sabotage) if options.sabotage else ("-m", "tcp_server"),
    )
    print(
        f"seed {plan.seed}: {plan.terminals} terminals, {plan.browsers} browsers on {plan.bridges} bridges", flush=True
    )
    result = asyncio.run(run(plan, lambda line: print(line, flush=True)))
    show(plan, result)
    sys.exit(bool(result.wrongs))


def show(plan: Plan, result: Result) -> None:
    """Print a run's counts and its faults."""
    print(f"{len(result.faults)} faults; " + ", ".join(f"{value} {name}" for name, value in result.counts.items()))
    for wrong in result.wrongs[:SHOWN]:
        print(f"WRONG  {wrong}")
    print(f"seed {plan.seed}: {f'{len(result.wrongs)} things are wrong' if result.wrongs else 'nothing is wrong'}")


if __name__ == "__main__":
    main()
