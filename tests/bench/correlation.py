"""How well alerts are put together, against storms, intrusions and alarms whose truth is known.

    python -m tests.bench.correlation --storms storms.py --ait ait_ads.zip --telecom FOLDER [--write]

The same by environment: ``DESKBELL_STORMS``, ``DESKBELL_AIT``, ``DESKBELL_TELECOM``. What is not given is left out. The
weights were learned from odd seeds; figures are of even ones. Recoveries count with the alert that they end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from core.correlation.cooccurrence import CoOccurrence
from core.correlation.correlator import Correlator, grouping
from core.correlation.signal import Signal
from core.correlation.topology import Topology
from tests.bench.agreement import (
    Bin,
    adjusted_mutual_information,
    adjusted_rand,
    average_precision,
    calibration_error,
    compression,
    over_merged,
    pairs,
    reliability,
    roc_area,
)
from tests.bench.recorded import BENIGN, Telecom, ait_scenarios, telecom
from tests.bench.servers import ROOT
from tests.bench.storms import Generator, Storm, services_of

_PAGE = ROOT / "docs" / "correlation.md"
_MARKS = ("<!-- figures -->", "<!-- end of figures -->")
_HEADS = ("ARI", "AMI", "precision", "recall", "F1", "over-merged", "compression")
Grouping = Callable[[Sequence[Signal], Topology], list[str]]
Said = list[tuple[float, bool]]


class Score(NamedTuple):
    """Of one way of grouping: agreement with the truth, each 0..1."""

    ari: float
    ami: float
    precision: float
    recall: float
    f1: float
    over_merged: float
    compression: float


def score(truth: Sequence[str], found: Sequence[str]) -> Score:
    p = pairs(truth, found)
    return Score(
        adjusted_rand(truth, found),
        adjusted_mutual_information(truth, found),
        p.precision,
        p.recall,
        p.f1,
        over_merged(truth, found),
        compression(found),
    )


def correlated(signals: Sequence[Signal], topology: Topology) -> list[str]:
    correlator = Correlator(topology)
    last = grouping([(signal.id, correlator.place(signal)) for signal in signals])
    return [last(signal.id) for signal in signals]


def per_problem(signals: Sequence[Signal], topology: Topology) -> list[str]:
    return [signal.problem for signal in signals]


def by_gap(seconds: float) -> Grouping:
    """A group goes on until nothing is heard for so long."""

    def grouped(signals: Sequence[Signal], topology: Topology) -> list[str]:
        names, name, before = [], "", float("-inf")
        for signal in signals:
            if signal.at - before > seconds:
                name = signal.id
            before = signal.at
            names.append(name)
        return names

    return grouped


def by_label(signals: Sequence[Signal], topology: Topology) -> list[str]:
    """As Alertmanager groups: one kind, until it is silent for five minutes."""
    return _until_silent(signals, lambda signal: [signal.kind], 300.0)


def by_topology(signals: Sequence[Signal], topology: Topology) -> list[str]:
    """Neighbours in the catalogue (or one host), within ten minutes, one after the other."""
    return _until_silent(signals, lambda s: [s.thing, s.host or s.thing, *topology.above(s.thing)], 600.0)


def _until_silent(signals: Sequence[Signal], places: Callable[[Signal], Iterable[str]], seconds: float) -> list[str]:
    newest: dict[str, tuple[float, str]] = {}
    names = []
    for signal in signals:
        keys = list(dict.fromkeys(places(signal)))
        known = (newest[key] for key in keys if key in newest)
        name = next((name for at, name in known if signal.at - at <= seconds), signal.id)
        newest.update((key, (signal.at, name)) for key in keys)
        names.append(name)
    return names


WAYS: dict[str, Grouping] = {
    "Deskbell": correlated,
    "one ticket per fingerprint": per_problem,
    "gap of 2 s": by_gap(2.0),
    "gap of 60 s": by_gap(60.0),
    "gap of 10 min": by_gap(600.0),
    "by label": by_label,
    "topology only": by_topology,
}


def storm_score(storm: Storm, topology: Topology, way: Grouping) -> Score:
    """A recovery is in the group of the alert that it ends."""
    signals = [heard.signal for heard in storm.heard if heard.signal]
    names = dict(zip((signal.id for signal in signals), way(signals, topology), strict=True))
    truth = [heard.cause for heard in storm.heard]
    return score(truth, [names.get(heard.occurrence, heard.occurrence) for heard in storm.heard])


def storm_confidences(storm: Storm, topology: Topology) -> tuple[Said, Said]:
    """What was said of pairs (their confidence) and of alerts and groups, and whether it was so."""
    correlator, of_pairs, of_groups = Correlator(topology), [], []
    causes: dict[str, str] = {}
    for heard in storm.heard:
        if heard.signal is None:
            continue
        placement = correlator.place(heard.signal)
        causes[heard.signal.id] = heard.cause
        of_pairs += [(link.confidence, causes[link.other] == heard.cause) for link in placement.links]
        if placement.links:
            of_groups.append((placement.confidence, causes[placement.links[0].other] == heard.cause))
    return of_pairs, of_groups


def storms(path: Path, seeds: Sequence[int]) -> tuple[str, list[str]]:
    """The page's part about storms, and what was missed."""
    generator = Generator(path)
    made = [generator.storm(seed, services_of(seed)) for seed in seeds]
    lines, missed = [], []
    for given, least in ((True, 0.90), (False, 0.70)):
        lines += [f"**Storms, {'with' if given else 'without'} the catalogue** (mean of {len(made)} seeds)", ""]
        lines += _head("way")
        for name, way in WAYS.items():
            scores = [storm_score(storm, storm.topology if given else Topology(), way) for storm in made]
            mean = Score(*(statistics.fmean(column) for column in zip(*scores, strict=True)))
            lines.append(_line(name, mean))
            if way is correlated and (mean.ari < least or (given and mean.precision < 0.95)):
                missed.append(f"storms: ARI {mean.ari:.3f}, precision {mean.precision:.3f}")
        said = [storm_confidences(storm, storm.topology if given else Topology()) for storm in made]
        for title, which in (("pairs shown as reasons", 0), ("alert and best group", 1)):
            table = reliability([pair for both in said for pair in both[which]])
            error = calibration_error(table)
            lines += ["", f"Reliability, {title}: calibration error {error:.3f}", "", *_reliability(table)]
            if error >= 0.05:
                missed.append(f"calibration of {title}: {error:.3f}")
        lines.append("")
    return "\n".join(lines), missed


def intrusions(path: Path) -> tuple[str, list[str]]:
    """All alerts are heard, those of an attack are scored against its phase."""
    lines, missed = [], []
    for name, rows in ait_scenarios(path):
        signals = [row.signal for row in rows]
        attack = [i for i, row in enumerate(rows) if row.phase != BENIGN]
        truth = [rows[i].phase for i in attack]
        lines += [f"**AIT-ADS, {name}** ({len(rows):,} alerts, {len(attack):,} of an attack)", "", *_head("way")]
        for title, way in WAYS.items():
            found = way(signals, Topology())
            scored = score(truth, [found[i] for i in attack])
            lines.append(_line(title, scored))
            if way is correlated and scored.ari < 0.95:
                missed.append(f"{name}: ARI {scored.ari:.3f}")
        lines.append("")
    return "\n".join(lines), missed


def learned_causes(given: Telecom, seconds: float = 30.0) -> CoOccurrence:
    """Which alarm followed which on one device or a neighbouring one, learned in one pass."""
    kinds, recent = CoOccurrence(), deque[tuple[float, int, int]]()
    for alarm in given.alarms:
        while recent and recent[0][0] < alarm.at - seconds:
            recent.popleft()
        kinds.saw(str(alarm.kind), alarm.at)
        near = {
            kind: alarm.at - at
            for at, kind, device in recent
            if kind != alarm.kind and device in given.neighbours[alarm.device]
        }
        for kind, lag in near.items():
            kinds.followed(str(kind), str(alarm.kind), lag, alarm.at)
        recent.append((alarm.at, alarm.kind, alarm.device))
    return kinds


def alarms(folder: Path) -> tuple[str, list[str]]:
    given = telecom(folder)
    kinds = learned_causes(given)
    edges = [(i, j) for i in range(given.kinds) for j in range(given.kinds) if i != j]
    truth = [edge in given.causes for edge in edges]
    lifts = [kinds.lift(str(i), str(j)) for i, j in edges]
    area, precision = roc_area(truth, lifts), average_precision(truth, lifts)
    text = (
        f"**Telecom alarms** ({len(given.alarms):,} alarms, {len(given.causes)} true edges among {len(edges):,} "
        f"ordered pairs of kinds): learned lift against the true edges, AUC {area:.3f}, "
        f"average precision {precision:.3f}\n"
    )
    return text, [] if area > 0.86 and precision > 0.74 else [f"telecom: {area:.3f}, {precision:.3f}"]


def cost(open_alerts: int, count: int = 2000) -> float:
    """Median processor time in milliseconds of one alert, with so many open in the window."""
    correlator, spent = Correlator(), []
    for number in range(open_alerts + count):
        host = f"host-{number * 7919 % 500}"
        kind = f"kind-{number % 40}"
        signal = Signal(str(number), number * 590.0 / open_alerts, kind, host, f"{kind}/{host}/{number % 3}", host)
        before = time.process_time()
        correlator.place(signal)
        if number >= open_alerts:
            spent.append(time.process_time() - before)
    return statistics.median(spent) * 1000


def costs() -> tuple[str, list[str]]:
    measured = {size: cost(size) for size in (100, 1_000, 10_000)}
    said = ", ".join(f"{value:.2f} ms with {size:,} open" for size, value in measured.items())
    slow = measured[10_000] >= 1.0
    return f"**Cost** of one alert, median of processor time: {said}\n", ["cost"] if slow else []


def _head(first: str) -> list[str]:
    return [f"| {first} | {' | '.join(_HEADS)} |", "|---" + "|---:" * len(_HEADS) + "|"]


def _line(name: str, scored: Score) -> str:
    return f"| {name} | {' | '.join(f'{value:.3f}' for value in scored)} |"


def _reliability(table: Sequence[Bin]) -> list[str]:
    lines = ["| said | cases | said on average | so |", "|---|---:|---:|---:|"]
    return [*lines, *(f"| {b.low:.1f} to {b.high:.1f} | {b.cases} | {b.said:.3f} | {b.true:.3f} |" for b in table)]


def _path(variable: str) -> Path | None:
    given = os.environ.get(variable)
    return Path(given) if given else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.correlation")
    parser.add_argument("--storms", type=Path, default=_path("DESKBELL_STORMS"), help="the generator of storms")
    parser.add_argument("--ait", type=Path, default=_path("DESKBELL_AIT"), help="zip of AIT-ADS scenarios")
    parser.add_argument("--telecom", type=Path, default=_path("DESKBELL_TELECOM"), help="folder of the telecom alarms")
    parser.add_argument("--seeds", default="2-20", help="first and last seed; the even ones between are measured")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/correlation.md")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    even = [seed for seed in range(int(first), int(last or first) + 1) if seed % 2 == 0]
    parts = [costs()]
    if arguments.storms:
        parts.append(storms(arguments.storms, even))
    if arguments.ait:
        parts.append(intrusions(arguments.ait))
    if arguments.telecom:
        parts.append(alarms(arguments.telecom))
    text = "\n".join(part for part, _ in parts)
    print(text)
    if arguments.write:
        before, _, rest = _PAGE.read_text().partition(_MARKS[0])
        _PAGE.write_text(f"{before}{_MARKS[0]}\n\n{text}\n{_MARKS[1]}{rest.partition(_MARKS[1])[2]}")
    missed = [miss for _, misses in parts for miss in misses]
    if missed:
        print("missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
