"""`coverage json -o - | python -m tests.coverage_bound PERCENT PACKAGE …`: each package's coverage and missing lines.

The exit code is 1 if the tests take fewer than PERCENT of a package's branches. coverage's own `--fail-under` has one
bound for all packages together, and mixes lines with branches.
"""

import json
import sys
from pathlib import PurePath
from typing import Any

COUNTS = ("covered_lines", "num_statements", "covered_branches", "num_branches")


def main(report: dict[str, Any], least: float, packages: list[str]) -> int:
    """Print a line for each package and the lines that no test runs; return the exit code."""
    code = 0
    for package in packages:
        files = {name: file for name, file in report["files"].items() if PurePath(name).parts[0] == package}
        lines, of_lines, branches, of_branches = (
            sum(file["summary"][key] for file in files.values()) for key in COUNTS
        )
        share = 100 * branches / of_branches
        print(f"{package}: {share:.1f} % of the branches, {100 * lines / of_lines:.1f} % of the lines")
        for name, file in files.items():
            _print_missing(name, file)
        if share < least:
            print(f"{package}: that is below {least:g} % of the branches", file=sys.stderr)
            code = 1
    return code


def _print_missing(name: str, file: dict[str, Any]) -> None:
    missing = [str(line) for line in file["missing_lines"]]
    missing += [f"{start}->{'exit' if end < 0 else end}" for start, end in file["missing_branches"]]
    if missing:
        print(f"  {name}: {', '.join(missing)}")


if __name__ == "__main__":
    sys.exit(main(json.load(sys.stdin), float(sys.argv[1]), sys.argv[2:]))
