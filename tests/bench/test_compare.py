"""Comparing two trees: the arithmetic, the order of measuring, and a commit checked out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.bench import compare, programs
from tests.bench.compare import Comparison, Measured, Pairs
from tests.bench.load import Report
from tests.bench.measure import Arrival, Result
from tests.bench.programs import Target
from tests.bench.scenarios import FAN_OUT

BEFORE, AFTER = Path("before"), Path("after")


def result(scenario: str) -> Result:
    return Result(
        target=Target("server", "wp", 1, (1,)),
        load=FAN_OUT[scenario],
        seconds=2.0,
        cpu=(0.25,),
        other=0.0,
        stolen=0.0,
        report=Report(deliveries=500_000, latencies=[0.001 * place for place in range(100)]),
        arrival=Arrival(500, 0.5, 0.05, 1_000.0),
    )


def test_the_ratio_is_of_the_medians() -> None:
    """One bad round moves neither median."""
    pairs = Pairs([1.0, 2.0, 90.0], [3.0, 80.0, 2.0])
    assert pairs.ratio == 1.5


def test_the_spread_is_half_of_what_the_rounds_differ() -> None:
    """Of their own ratios: what both sides of a round share is no spread."""
    assert Pairs([1.0, 10.0], [1.0, 10.0]).spread == 0
    assert Pairs([1.0, 1.0, 1.0], [0.9, 1.0, 1.3]).spread == pytest.approx(0.2)
    assert Pairs([1.0], [5.0]).spread == 0


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ([1.019, 1.019, 1.019], "within"),
        ([1.03, 1.03, 1.03], "beyond, more"),
        ([0.97, 0.97, 0.97], "beyond, less"),
        ([1.0, 1.03, 1.08], "within"),  # the spread is 4 %
        ([1.03, 1.05, 1.08], "beyond, more"),
    ],
)
def test_a_change_is_held_against_bound_and_spread(after: list[float], verdict: str) -> None:
    """The larger of the two counts, in both directions."""
    assert Pairs([1.0, 1.0, 1.0], after).verdict(0.02) == verdict


def test_nothing_before_and_after_is_no_change() -> None:
    """And something after nothing is more, whatever it is."""
    assert Pairs([0.0], [0.0]).verdict(0.02) == "within"
    assert Pairs([0.0], [0.1]).verdict(0.02) == "beyond, more"


def test_the_text_has_a_line_for_each_figure() -> None:
    """Medians, ratio, spread and verdict; a figure of one side alone is left out."""
    comparison = Comparison(rounds=1)
    comparison.add("A", {"CPU": 2.0, "gone": 1.0}, {"CPU": 3.0, "new": 1.0})
    lines = comparison.text(0.02).splitlines()
    assert lines[1].split("  ")[0] == "A, CPU"
    assert lines[1].split()[2:] == ["2.000", "3.000", "1.500", "±0.0%", "beyond,", "more"]
    assert lines[2] == "1 rounds; within: at most 2.0% or the spread"
    assert comparison.is_dearer(0.02)
    assert not comparison.is_dearer(0.5)


def test_the_sides_take_turns() -> None:
    """Before and after in each round, and the other way round in the next, so that a drift cancels."""
    trees: list[Path] = []

    def measured(tree: Path, subject: str) -> Measured:
        trees.append(tree)
        return {"CPU": float(len(trees))}  # each is dearer than the one before it

    found = compare.compare(BEFORE, AFTER, ["A"], 4, 60.0, measured, lambda: 0.0)
    assert trees == [BEFORE, AFTER, AFTER, BEFORE] * 2
    assert found.rounds == 4
    assert found.figures["A, CPU"].ratio == 1.0


def test_no_round_begins_that_would_end_too_late() -> None:
    """A round that takes 20 seconds fits twice into 50."""
    times = iter(range(0, 1_000, 10))
    found = compare.compare(
        BEFORE, AFTER, ["A"], 5, 50.0, lambda tree, subject: {"CPU": 1.0}, lambda: float(next(times))
    )
    assert found.rounds == 2


def test_a_scenario_with_a_rate_has_a_latency() -> None:
    """Where publishers wait for their window, latency only tells how large the window is."""
    assert compare.scenario_figures(result("A")) == {"server: CPU µs a delivery": 0.5}
    assert compare.scenario_figures(result("C")) == {
        "server: CPU µs a delivery": 0.5,
        "server: p50 ms": pytest.approx(50.0),
        "server: p99 ms": pytest.approx(99.0),
    }


def test_the_guard_of_a_tree_gives_its_figures() -> None:
    """The probe still finds the names that it uses, and this tree passes its own guard."""
    figures = compare.guard_figures(programs.ROOT)
    assert {"writes a delivery", "bytes at a tick's end a delivery"} <= set(figures)
    assert all(0 < value < 12 for value in figures.values())


def test_a_commit_is_checked_out_for_a_while() -> None:
    """With its own packages in it, and nothing is left of it."""
    with compare.checked_out("HEAD") as tree:
        compare.check_tree(tree)
        assert (tree / "tcp_server").is_dir()
    assert not tree.exists()
    listed = subprocess.run(["git", "worktree", "list"], cwd=programs.ROOT, capture_output=True, text=True, check=True)
    assert str(tree) not in listed.stdout


def test_a_tree_without_packages_is_not_measured(tmp_path: Path) -> None:
    """Else both sides would be the programs that are installed."""
    with pytest.raises(AssertionError, match="Python takes"):
        compare.check_tree(tmp_path)


def test_an_unknown_commit_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """git says what is wrong with it."""
    assert compare.main(["no-such-commit"]) == 1
    assert "no-such-commit" in capfd.readouterr().err


def test_the_command_line_fails_when_a_figure_is_dearer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is for scripts, the table for people; both sides are real trees here."""

    def measured(bench: compare.Bench, tree: Path, subject: str) -> Measured:
        return {"CPU": 1.1 if tree == programs.ROOT else 1.0}

    monkeypatch.setattr(compare.Bench, "measured", measured)
    assert compare.main(["HEAD", "--rounds", "1", "--only", "A"]) == 1
    assert "beyond, more" in capsys.readouterr().out
    assert compare.main(["HEAD", "--rounds", "1", "--only", "A", "--bound", "20"]) == 0
