"""`python -m tests.bench.compare COMMIT`: does the working tree cost more than a commit did?

Both trees are measured in turn, so that a machine that becomes slower makes both slower. The load comes from the
working tree's own generator on both sides: only the programs differ. The libraries are those of this Python on both
sides too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench import programs
from tests.bench.measure import Result, measure
from tests.bench.report import table
from tests.bench.scenarios import FAN_OUT, Figures, server_and_bridge

ROUNDS = 5
SECONDS = 2.5  # of measuring, each
MINUTES = 15.0  # no round begins that would end later
BOUND = 2.0  # percent that count as no change, however small the spread is
GUARD = "guard"
GUARD_SECONDS = 120.0
SUBJECTS = (GUARD, *FAN_OUT)

# Runs the guard that lies beside the programs of a tree, because the guard calls them: test_guard has had these names
# since the first commit that can be compared.
GUARD_PROBE = """
import asyncio, json, pathlib, sys
from tests.bench import guard, test_guard
crowd = test_guard.CROWD
counted, called = (pathlib.Path(sys.argv[1], name) for name in ("counts", "calls"))
counted.mkdir()
counts = asyncio.run(test_guard._count(counted))
memory = guard.measure_memory(test_guard.Fanout(test_guard.write_each))
figures = {"writes": counts.writes / crowd.deliveries, "bytes at a tick's end": memory.peak}
if guard.can_count_system_calls():
    figures["system calls"] = guard.count_system_calls(called, crowd) / crowd.deliveries
print(json.dumps(figures))
"""
TREE_PROBE = "import tcp_server, ws_bridge; print(tcp_server.__file__, ws_bridge.__file__, sep='\\n')"

Measured = Mapping[str, float]  # figure -> value; of all figures less is better
Measure = Callable[[Path, str], Measured]  # tree, subject -> figures


@dataclass
class Pairs:
    """The values of one figure: of each round one before and one after."""

    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times the median before is the median after."""
        return _ratio(median(self.before), median(self.after))

    @property
    def spread(self) -> float:
        """Half of the distance between the smallest and the largest ratio of a round."""
        ratios = [_ratio(before, after) for before, after in zip(self.before, self.after, strict=True)]
        return (max(ratios) - min(ratios)) / 2

    def verdict(self, bound: float) -> str:
        """Return whether the change is within the larger of the bound (a share, as 0.02) and the spread."""
        change = self.ratio - 1
        if abs(change) <= max(bound, self.spread):
            return "within"
        return "beyond, more" if change > 0 else "beyond, less"


def _ratio(before: float, after: float) -> float:
    if before == after:
        return 1.0
    return after / before if before else float("inf")


@dataclass
class Comparison:
    """All that was measured, by figure."""

    figures: dict[str, Pairs] = field(default_factory=dict)
    rounds: int = 0

    def add(self, subject: str, before: Measured, after: Measured) -> None:
        """Take the figures of one round; a figure that only one side has can't be compared."""
        for name in before:
            if name in after:
                pairs = self.figures.setdefault(f"{subject}, {name}", Pairs())
                pairs.before.append(before[name])
                pairs.after.append(after[name])

    def text(self, bound: float) -> str:
        """Return one line a figure; `bound` is a share."""
        rows = [["figure (medians)", "before", "after", "ratio", "spread", ""]]
        for name, pairs in self.figures.items():
            before, after = (f"{median(values):.3f}" for values in (pairs.before, pairs.after))
            rows.append([name, before, after, f"{pairs.ratio:.3f}", f"±{pairs.spread:.1%}", pairs.verdict(bound)])
        return "\n".join(table(rows)) + f"\n{self.rounds} rounds; within: at most {bound:.1%} or the spread\n"

    def is_dearer(self, bound: float) -> bool:
        """Say whether any figure is beyond its bound upwards."""
        return any(pairs.verdict(bound) == "beyond, more" for pairs in self.figures.values())


def compare(
    before: Path,
    after: Path,
    subjects: Sequence[str],
    rounds: int,
    seconds: float,
    measured: Measure,
    clock: Callable[[], float] = time.monotonic,
) -> Comparison:
    """Measure two trees in turn; begin no round that would end later than `seconds` from now.

    The order changes from one measurement to the next (before, after; after, before), so that a steady drift of the
    machine cancels.
    """
    comparison = Comparison()
    started = clock()
    longest = 0.0
    turn = 0
    for _ in range(rounds):
        begun = clock()
        if begun - started + longest > seconds:
            break
        for subject in subjects:
            order = (before, after) if turn % 2 == 0 else (after, before)
            found = {tree: measured(tree, subject) for tree in order}
            comparison.add(subject, found[before], found[after])
            turn += 1
        comparison.rounds += 1
        longest = max(longest, clock() - begun)
        _tell(f"{clock() - started:4.0f} s  round {comparison.rounds} of {rounds}")
    return comparison


class Bench:
    """Measures a tree, and keeps what was lost."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.figures = Figures()  # for its faults

    def measured(self, tree: Path, subject: str) -> Measured:
        """Return the guard's figures, or those of a scenario for the server alone and with a bridge."""
        if subject == GUARD:
            return guard_figures(tree)
        load = FAN_OUT[subject]
        found: dict[str, float] = {}
        for program in (programs.server, server_and_bridge):
            with program(root=tree) as target:
                result = self.figures.check(f"{tree}, {subject}", measure(target, load, self._seconds))
            found |= scenario_figures(result)
        return found


def scenario_figures(result: Result) -> Measured:
    """Return what a delivery cost, and the latency where the load has a rate: else it only tells the window."""
    name = result.target.name
    found = {f"{name}: CPU µs a delivery": result.per_delivery}
    if result.load.rate:
        found |= {f"{name}: p50 ms": result.latency(0.5), f"{name}: p99 ms": result.latency(0.99)}
    return found


def guard_figures(tree: Path) -> Measured:
    """Run a tree's own guard and return its counts for each delivery.

    Raises:
        CalledProcessError: the guard failed; what it said is on standard error.
    """
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        said = _python(tree, GUARD_PROBE, folder)
    return {f"{name} a delivery": float(value) for name, value in json.loads(said.splitlines()[-1]).items()}


def _python(tree: Path, code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    ended = subprocess.run(
        command,
        cwd=tree,
        env=programs.environment(tree),
        stdout=subprocess.PIPE,
        text=True,
        timeout=GUARD_SECONDS,
        check=True,
    )
    return ended.stdout


def check_tree(tree: Path) -> None:
    """Make sure that Python, started in a tree, takes the tree's own packages.

    Raises:
        AssertionError: it takes others, and both sides would be the same programs.
    """
    for path in _python(tree, TREE_PROBE).splitlines():
        if not Path(path).resolve().is_relative_to(tree.resolve()):
            raise AssertionError(f"in {tree} Python takes {path}")


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Check a commit out into a temporary worktree of git, until the block ends.

    Raises:
        CalledProcessError: there is no such commit; git has said so on standard error.
    """
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        tree = Path(folder, "before")
        _git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> None:
    subprocess.run(["git", *words], cwd=programs.ROOT, check=True)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if a figure is dearer beyond its bound, or a message was lost."""
    options = make_parser().parse_args(arguments)
    bench = Bench(options.seconds)
    subjects, bound = options.only or SUBJECTS, options.bound / 100
    try:
        with checked_out(options.commit) as before:
            for tree in (before, programs.ROOT):
                check_tree(tree)
            found = compare(before, programs.ROOT, subjects, options.rounds, 60 * options.minutes, bench.measured)
    except subprocess.CalledProcessError as error:
        _tell(f"compare: {error}")
        return 1
    print(found.text(bound), end="")
    for fault in bench.figures.faults:
        print(fault)
    return 1 if bench.figures.faults or found.is_dearer(bound) else 0


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.bench.compare", description=__doc__)
    add = parser.add_argument
    add("commit", metavar="COMMIT", help="what the working tree is compared with")
    add("--rounds", type=int, default=ROUNDS, help="how often each side is measured (default: %(default)s)")
    add("--bound", type=float, default=BOUND, metavar="PERCENT", help="what counts as no change (default: %(default)g)")
    add("--seconds", type=float, default=SECONDS, help="of measuring, each (default: %(default)g)")
    add("--minutes", type=float, default=MINUTES, help="begin no round that ends later (default: %(default)g)")
    add("--only", action="append", choices=SUBJECTS, help="only this; may be repeated (default: all)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
