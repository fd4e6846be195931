"""The table and the charts say what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import biglog, report
from tests.bench.__main__ import main, make_parser
from tests.bench.charts import draw
from tests.bench.load import Report
from tests.bench.measure import Arrival, Result
from tests.bench.programs import Target
from tests.bench.scenarios import FAN_OUT, Figures, Series


def result(name: str, cpu: float, *, dialect: str = "wp", **faults: int) -> Result:
    latencies = [0.001 * (place + 1) for place in range(1_000)]
    return Result(
        target=Target(name, dialect, 1, (1,)),
        load=FAN_OUT["A"],
        seconds=2.0,
        cpu=(cpu,),
        other=0.5,
        stolen=0.0,
        report=Report(messages=1_000, deliveries=500_000, reads=50_000, cpu=0.4, latencies=latencies, **faults),
        arrival=Arrival(500, 0.5, 0.05, 1_000.0),
    )


@pytest.fixture
def figures() -> Figures:
    found = Figures()
    found.fan_out["A"] = [found.check("A", result("server", 0.25)), found.check("A", result("naive", 2.5))]
    found.fan_out["B"] = [found.check("B", result("server", 1.0))]
    found.arrivals.append(("10,000 into one room", "server", Arrival(10_000, 2.0, 1.0, 20_000.0)))
    found.growth.append(Series("More members in a room", "members", "µs a delivery", [(100, 2.0), (1_000, 2.5)]))
    found.log.append(("start", "0.2 s"))
    return found


def test_the_table_has_prices_and_ratios(figures: Figures) -> None:
    lines = report.text(figures).splitlines()
    assert lines[2].split()[-2:] == ["A", "B"]
    assert lines[3].split() == ["server", "0.50", "2.00"]
    assert lines[4].split() == ["naive", "5.00", "(10.0x)", "-"]
    assert any(line.startswith("A, server") and "250,000" in line and "20%, 0.80 µs each" in line for line in lines)
    assert any(line.split()[-3:] == ["5,000", "100", "2.00"] for line in lines)
    assert any("100: 2.00, 1,000: 2.50; it grows 1.25 times at most" in line for line in lines)
    assert lines[-1].startswith("No message was lost")


def test_percentiles_are_in_milliseconds() -> None:
    assert [round(result("server", 1.0).latency(share)) for share in (0.5, 0.99, 0.999)] == [501, 991, 1_000]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("lost", "1 lost"),
        ("duplicated", "1 doubled"),
        ("reordered", "1 out of order"),
        ("closed", "1 connections ended"),
    ],
)
def test_a_fault_is_said(fault: str, said: str) -> None:
    figures = Figures()
    spoiled = result("server", 1.0)
    setattr(spoiled.report, fault, 1)
    figures.check("A", spoiled)
    assert said in report.text(figures)
    assert "No message was lost" not in report.text(figures)


def test_another_order_is_a_fault_of_ours_but_not_of_others() -> None:
    figures = Figures()
    figures.check("A", result("nats-server", 1.0, dialect="nats", apart=400))
    assert figures.faults == []
    figures.check("A", result("server", 1.0, apart=1))
    assert figures.faults == ["A, server: 1 members saw another order"]


def test_growth_is_from_small_to_large() -> None:
    """What gets cheaper doesn't grow."""
    assert Series("", "", "", [(1, 4.0), (10, 2.0), (100, 3.0)]).growth == 1.5
    assert Series("", "", "", [(1, 4.0), (10, 2.0)]).growth == 1.0


def test_of_two_runs_the_cheaper_counts() -> None:
    """In its series, in the order of size."""
    found = Figures()
    for size, cost in ((100, 2.0), (1_000, 9.0), (100, 3.0), (1_000, 2.5)):
        found.grew("More members", "members", "µs", size, cost)
    found.grew("More rooms", "rooms", "µs", 1, 4.0)
    assert [(series.title, series.points) for series in found.growth] == [
        ("More members", [(100, 2.0), (1_000, 2.5)]),
        ("More rooms", [(1, 4.0)]),
    ]


def test_the_charts_are_drawn(figures: Figures, tmp_path: Path) -> None:
    drawn = draw(figures, tmp_path)
    assert [path.name for path in drawn] == ["cost.png", "latency.png", "growth.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
    assert draw(Figures(), tmp_path) == []


def test_an_archive_is_what_import_takes(tmp_path: Path) -> None:
    """The made-up log goes through the real import, and its rare words are rare."""
    lines = [json.loads(line) for line in biglog.archive(50)]
    assert [line["type"] for line in lines] == ["ARCHIVE"] + ["ROOM"] * 10 + ["MSG"] * 50
    assert len({line["message"].split()[-1] for line in lines[11:]}) == 50
    biglog.fill(tmp_path / "data", 50)
    assert (tmp_path / "data" / "chat.sqlite3").exists()


def test_the_command_line_runs_a_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(figures: Figures, scenario: str, full: bool) -> None:
        figures.fan_out[scenario] = [figures.check(scenario, result("server", 1.0, lost=int(full)))]

    monkeypatch.setattr("tests.bench.__main__.run", run)
    assert main(["--scenario", "A", "--out", str(tmp_path / "bench")]) == 0
    assert (tmp_path / "bench" / "table.txt").read_text() in capsys.readouterr().out
    assert (tmp_path / "bench" / "cost.png").exists()
    assert main(["--scenario", "A", "--full"]) == 1
    assert main(["--peers"]) == 0
    assert "A: 500 members" in capsys.readouterr().out
    assert not make_parser().parse_args([]).full
