"""The figures as PNG charts: light, calm, and legible at half their size in a README."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.measure import Result
from tests.bench.scenarios import ABOUT, Figures, Series

INK, FAINT, GRID = "#24292f", "#6e7781", "#e6e8eb"
COLOURS = {"server": "#0f766e", "server and bridge": "#5eb3ab", "naive": "#d08a3c"}
OTHERS = "#b4bac2"
STYLE: Any = {
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": FAINT,
    "ytick.color": INK,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "figure.dpi": 110,
}
SHARES = [1 - 10 ** (-step / 40) for step in range(8, 121)]  # of all messages: 0.37 to 0.999, ever closer to 1


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw the figures, and return the files."""
    drawn: list[Path] = []
    with matplotlib.rc_context(STYLE):
        if figures.fan_out:
            drawn.append(_save(_cost(figures.fan_out), folder / "cost.png"))
            drawn.append(_save(_latency(figures.fan_out), folder / "latency.png"))
        if figures.growth:
            drawn.append(_save(_growth(figures.growth), folder / "growth.png"))
    return drawn


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, facecolor="white")
    return path


def _grid(title: str, heights: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Return a figure of two columns, with axes for each height in inches; the tallest of a row sets its height."""
    columns = min(2, len(heights))
    rows = [max(heights[place : place + columns]) for place in range(0, len(heights), columns)]
    figure = Figure(figsize=(5.4 * columns, 0.4 + sum(rows)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    grid = figure.add_gridspec(len(rows), columns, height_ratios=rows)
    return figure, [figure.add_subplot(grid[divmod(place, columns)]) for place in range(len(heights))]


def _cost(fan_out: dict[str, list[Result]]) -> Figure:
    """Draw bars: the cost of a delivery on each server."""
    bars_of = {scenario: max(len(fan_out[other]) for other in _row(fan_out, scenario)) for scenario in fan_out}
    title = "CPU time for each delivery: a message to one member"
    figure, panels = _grid(title, [0.9 + 0.3 * count for count in bars_of.values()])
    for axes, (scenario, results) in zip(panels, fan_out.items(), strict=True):
        names = [result.target.name for result in results]
        values = [result.per_delivery for result in results]
        bars = axes.barh(names, values, color=[COLOURS.get(name, OTHERS) for name in names], height=0.66)
        axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=4, color=INK, fontsize=10)
        axes.set_ylim(bars_of[scenario] - 0.5, -0.5)  # from the top, and bars of one height in all panels
        axes.set_title(ABOUT[scenario], fontsize=11)
        axes.set_xlabel("µs")
        axes.set_xlim(0, max(values) * 1.18)
        axes.tick_params(left=False)
        axes.grid(axis="x")
    return figure


def _row(fan_out: dict[str, list[Result]], scenario: str) -> list[str]:
    """Return the scenarios for one row of panels."""
    scenarios = list(fan_out)
    first = scenarios.index(scenario) // 2 * 2
    return scenarios[first : first + 2]


def _latency(fan_out: dict[str, list[Result]]) -> Figure:
    """Draw lines: the latency of all messages but the slowest in a thousand."""
    figure, panels = _grid("From sending a message to a member's having it", [2.7] * len(fan_out))
    shown = {
        scenario: [result for result in results if result.target.name in COLOURS and result.report.latencies]
        for scenario, results in fan_out.items()
    }
    ends = [result.latency(share) for results in shown.values() for result in results for share in (SHARES[0], 0.999)]
    for axes, (scenario, results) in zip(panels, shown.items(), strict=True):
        for result in results:
            _line(axes, result)
        axes.set_title(ABOUT[scenario], fontsize=11)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(1.6, 1_100)
        axes.set_ylim(10 ** math.floor(math.log10(min(ends))), 10 ** math.ceil(math.log10(max(ends))))
        axes.set_xticks([2, 10, 100, 1_000], ["half of all", "90 %", "99 %", "99.9 %"])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g} ms")
        axes.grid()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False, fontsize=10)
    return figure


def _line(axes: Axes, result: Result) -> None:
    name = result.target.name
    axes.plot(
        [1 / (1 - share) for share in SHARES],
        [result.latency(share) for share in SHARES],
        color=COLOURS.get(name, OTHERS),
        linewidth=2,
        label=name,
    )


def _growth(growth: Sequence[Series]) -> Figure:
    """Draw the growth: lines that should be flat."""
    figure = Figure(figsize=(10.8, 3.4), layout="constrained")
    figure.suptitle("What grows, and what it costs", x=0.01, ha="left", fontsize=14)
    for place, series in enumerate(growth):
        axes = figure.add_subplot(1, len(growth), place + 1)
        sizes, values = [size for size, _ in series.points], [value for _, value in series.points]
        axes.plot(sizes, values, color=COLOURS["server"], linewidth=2, marker="o")
        for size, value in series.points:
            axes.annotate(f"{value:.3g}", (size, value), (0, 8), textcoords="offset points", ha="center", fontsize=9)
        axes.set_title(series.title, fontsize=11)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlim(min(sizes) / 1.8, max(sizes) * 1.8)
        axes.set_ylim(0, max(values) * 1.35)
        axes.set_xlabel(series.grows)
        axes.set_ylabel(series.unit)
        axes.grid(axis="y")
    return figure
