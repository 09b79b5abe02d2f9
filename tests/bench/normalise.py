"""How long each source's normaliser takes for one alert, on its own recorded cases.

``python -m tests.bench.normalise`` prints the median in microseconds for every kind, and fails above 50.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import orjson

from core.config.settings import AlertSettings, SourceSettings
from core.integrations import SOURCES
from core.integrations.normal import Normalised
from core.model import RawDelivery
from tests.conftest import NOON
from tests.source_cases import CASES, read_case

PROMISE = 50.0  # microseconds
_ROUNDS = 300


def median(kind: str) -> float:
    """Microseconds for one alert or signal of ``kind``, the median over all its cases that are understood."""
    measured = [seconds for run in _runs(kind) for seconds in run]
    return statistics.median(measured) * 1e6


def _runs(kind: str) -> list[list[float]]:
    settings, normalise = AlertSettings(), SOURCES[kind]
    runs = []
    for path in CASES:
        case = read_case(path)
        if path.parent.name != kind or "problem" in case["expected"] or "ignored" in case["expected"]:
            continue
        body = case["raw"].encode() if "raw" in case else orjson.dumps(case["body"])
        source = SourceSettings(**case.get("source", {"kind": kind}))
        delivery = RawDelivery(kind, body, case["headers"].get("Content-Type", ""), case["headers"], NOON)
        runs.append(_timed(partial(normalise, delivery, source, settings)))
    return runs


def _timed(normalise: Callable[[], Normalised]) -> list[float]:
    found = normalise()
    said = len(found.alerts) + len(found.signals)
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        normalise()
        times.append((time.perf_counter() - started) / said)
    return times


def main() -> int:
    figures = {kind: median(kind) for kind in sorted(SOURCES)}
    for kind, microseconds in figures.items():
        sys.stdout.write(f"{kind:<18}{microseconds:6.1f} us\n")
    return 1 if max(figures.values()) > PROMISE else 0


if __name__ == "__main__":
    sys.exit(main())
