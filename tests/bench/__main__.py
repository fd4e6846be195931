"""`python -m tests.bench`: run the scenarios, print the table, draw the charts."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import report
from tests.bench.biglog import run_log
from tests.bench.peers import PEER_SCENARIOS, installed
from tests.bench.scenarios import ABOUT, FAN_OUT, OURS, Figures, run_fan_out, run_growth, run_idle

SECONDS, SECONDS_FULL = 2.5, 10.0  # of each measurement
GROWTH_SECONDS, GROWTH_SECONDS_FULL = 1.5, 5.0
SCENARIOS = (*FAN_OUT, "idle", "growth", "log")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 1 if a message was lost, doubled or out of order."""
    options = make_parser().parse_args(arguments)
    figures = Figures()
    started = time.monotonic()
    for scenario in options.scenario or (PEER_SCENARIOS if options.peers else SCENARIOS):
        print(f"{time.monotonic() - started:4.0f} s  {scenario}: {ABOUT.get(scenario, scenario)}", file=sys.stderr)
        run(figures, scenario, options.full)
    shown = report.text(figures)
    print(shown)
    if options.out is not None:
        from tests.bench.charts import draw  # matplotlib takes a second to load

        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "table.txt").write_text(shown)
        for path in draw(figures, options.out):
            print(f"drawn: {path}")
    return 1 if figures.faults else 0


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    add = parser.add_argument
    add("--full", action="store_true", help="measure longer and bigger: half an hour instead of under five minutes")
    add("--scenario", action="append", choices=SCENARIOS, help="only this one; may be repeated (default: all)")
    add("--peers", action="store_true", help="only the scenarios that load other servers too")
    add("--out", type=Path, metavar="FOLDER", help="draw the charts into this folder, such as docs/bench")
    return parser


def run(figures: Figures, scenario: str, full: bool) -> None:
    """Run one scenario, and add its figures."""
    if scenario in FAN_OUT:
        peers = installed() if scenario in PEER_SCENARIOS else ()
        run_fan_out(figures, scenario, [*OURS, *peers], SECONDS_FULL if full else SECONDS)
    elif scenario == "idle":
        run_idle(figures, full)
    elif scenario == "growth":
        run_growth(figures, GROWTH_SECONDS_FULL if full else GROWTH_SECONDS, full)
    else:
        run_log(figures, SECONDS_FULL if full else SECONDS, full)


if __name__ == "__main__":
    sys.exit(main())
