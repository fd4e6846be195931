"""`python -m tests.bench.profile`: a flame graph of the server under a scenario, by py-spy, as SVG."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench import programs
from tests.bench.measure import WARM_UP_SECONDS, crowd
from tests.bench.scenarios import FAN_OUT, server_and_bridge

START_SECONDS = 1.0  # until py-spy takes its first sample
RATE = 250  # samples a second


def main(arguments: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with server_and_bridge() if options.bridge else programs.server() as target:
        pid = target.pids[-1]  # the bridge's, where there is one
        command = [str(Path(sys.executable).parent / "py-spy"), "record", "--threads", "--rate", str(RATE)]
        command += ["--duration", f"{options.seconds:.0f}", "--output", str(options.out), "--pid", str(pid)]
        with crowd(target, FAN_OUT[options.scenario]) as loaders, subprocess.Popen(command) as spy:
            result = loaders.run(options.seconds + START_SECONDS - WARM_UP_SECONDS)
    print(
        f"{options.out}: {result.target.name}, scenario {options.scenario}, {result.per_delivery:.2f} µs a delivery"
        " (sampling costs a part of that)"
    )
    return spy.returncode


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.bench.profile", description=__doc__)
    add = parser.add_argument
    add("--scenario", choices=tuple(FAN_OUT), default="A", help="the load (default: %(default)s)")
    add("--bridge", action="store_true", help="sample the bridge, with browsers, instead of the server")
    add("--seconds", type=float, default=10.0, help="duration of the samples (default: %(default)g)")
    add("--out", type=Path, default=Path(".cache/flame.svg"), help="the file to draw (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
