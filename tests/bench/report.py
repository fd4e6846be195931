"""The figures as plain text."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from tests.bench.measure import Result
from tests.bench.scenarios import ABOUT, Figures


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with aligned columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def text(figures: Figures) -> str:
    """Return all figures."""
    parts = [_machine(), _prices(figures), _runs(figures), _arrivals(figures), _growth(figures), _log(figures)]
    faults = figures.faults or ["No message was lost, doubled, damaged or out of order, in any of these loads."]
    return "\n\n".join("\n".join(part) for part in [*parts, faults] if part) + "\n"


def _machine() -> list[str]:
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return [f"{os.cpu_count()} processors, {system}"]


def _prices(figures: Figures) -> list[str]:
    """Return one line a program: the cost of a delivery, and its ratio to the cost of the server here."""
    scenarios = list(figures.fan_out)
    if not scenarios:
        return []
    names = list(dict.fromkeys(result.target.name for results in figures.fan_out.values() for result in results))
    rows = [["CPU µs a delivery (a message x a member)", *scenarios]]
    for name in names:
        rows.append([name, *(_price(figures.fan_out[scenario], name) for scenario in scenarios)])
    note = "Only our server has each message in a log on disk before any member sees it; the others keep none."
    return [*table(rows), note, *(f"{scenario}: {ABOUT[scenario]}" for scenario in scenarios)]


def _price(results: Sequence[Result], name: str) -> str:
    of = {result.target.name: result.per_delivery for result in results}
    if name not in of:
        return "-"
    ours = of.get("server")
    return f"{of[name]:.2f}" if name == "server" or not ours else f"{of[name]:.2f} ({of[name] / ours:.1f}x)"


def _runs(figures: Figures) -> list[str]:
    rows = [["load", "deliveries/s", "in one read", "p50 ms", "p99", "p99.9", "loader's CPU", "other CPU", "stolen"]]
    for scenario, results in figures.fan_out.items():
        for result in results:
            report = result.report
            rows.append(
                [
                    f"{scenario}, {result.target.name}",
                    f"{report.deliveries / result.seconds:,.0f}",
                    f"{report.deliveries / max(1, report.reads):.1f}",
                    *(f"{result.latency(share):.1f}" for share in (0.5, 0.99, 0.999)),
                    f"{report.cpu / result.seconds:.0%}, {1e6 * report.cpu / max(1, report.deliveries):.2f} µs each",
                    f"{result.other:.0%}",
                    f"{result.stolen:.0%}",
                ]
            )
    note = (
        "CPU in processors: 100% is one. Where the loader's is near 100%, deliveries/s and latency are its own limit."
    )
    return [*table(rows), note] if len(rows) > 1 else []


def _arrivals(figures: Figures) -> list[str]:
    rows = [["arrivals", "a second to READY", "CPU µs each", "KiB an idle connection"]]
    for load, name, arrival in figures.arrivals:
        rate = arrival.clients / arrival.seconds
        rows.append([f"{load}, {name}", f"{rate:,.0f}", f"{arrival.cpu_each:.0f}", f"{arrival.kib_each:.2f}"])
    return table(rows) if len(rows) > 1 else []


def _growth(figures: Figures) -> list[str]:
    lines = []
    for series in figures.growth:
        points = ", ".join(f"{size:,}: {value:.2f}" for size, value in series.points)
        lines.append(f"{series.title} ({series.unit}): {points}; it grows {series.growth:.2f} times at most")
    return lines


def _log(figures: Figures) -> list[str]:
    return table([[question, answer] for question, answer in figures.log]) if figures.log else []
