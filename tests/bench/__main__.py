"""Runs the benchmark, prints its figures, and writes them into docs/benchmarks.md when told to."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.scenarios import everything
from tests.bench.servers import ROOT

_PAGE = ROOT / "docs" / "benchmarks.md"
_MARKS = ("<!-- figures -->", "<!-- end of figures -->")


def _table(figures: list[Figure]) -> str:
    lines = ["| what | measured | promised | kept |", "|---|---:|---|---|"]
    for figure in figures:
        value = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:.2f}"
        kept = {True: "yes", False: "**no**", None: ""}[figure.kept]
        lines.append(f"| {figure.name} | {value} {figure.unit} | {figure.promise} | {kept} |")
    return "\n".join(lines)


def _machine() -> str:
    about = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", about.read_text()) if about.exists() else None
    cpu = model[1] if model else platform.processor()
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({cpu}), {versions}."


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--smoke", action="store_true", help="short runs, to see that everything runs")
    parser.add_argument("--seconds", type=float, default=15.0, help="length of one run of throughput")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/benchmarks.md")
    arguments = parser.parse_args()
    figures = everything(arguments.smoke, arguments.seconds)
    table = _table(figures)
    print(table)
    if arguments.write:
        before, _, rest = _PAGE.read_text().partition(_MARKS[0])
        after = rest.partition(_MARKS[1])[2]
        about = f"{_machine()} Runs of throughput: {arguments.seconds:.0f} s."
        _PAGE.write_text(f"{before}{_MARKS[0]}\n\n{about}\n\n{table}\n\n{_MARKS[1]}{after}")
    missed = [figure.name for figure in figures if figure.kept is False]
    if missed:
        print("missed: " + "; ".join(missed))
    return 1 if missed and not arguments.smoke else 0


if __name__ == "__main__":
    sys.exit(main())
