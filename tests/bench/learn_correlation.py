"""Learns the weights of the correlation from storms with known causes, and writes them where the product reads them.

    python -m tests.bench.learn_correlation --storms storms.py --out core/correlation/weights.json

Only odd seeds are used: the even ones are for measuring. The pairs that the correlation would look at are labelled by
their true causes, once with the catalogue and once without, and weighed by a logistic regression (Newton's method,
drawn to prior weights, which decide about what the storms never show: changes, networks, what a source itself says).
The same again for an alert and a group: first with every alert put where it belongs, then with the groups as they turn
out.
"""

from __future__ import annotations

import argparse
import os
import random
from collections import Counter
from collections.abc import Sequence
from math import exp, log, log1p
from pathlib import Path

import msgspec

from core.correlation.correlator import Correlator, Group, Option
from core.correlation.evidence import JOIN_FACTORS, PAIR_FACTORS
from core.correlation.topology import Topology
from core.correlation.weights import Logistic, Weights, confidence
from tests.bench.storms import Generator, Storm, services_of

Sample = tuple[list[float], bool]
Row = tuple[list[tuple[int, float]], bool]
_PULL = 3.0
_PRIOR_PAIR = {
    "gap": -0.5, "late": -0.5, "same_problem": 2.0, "same_thing": 1.0, "same_host": 0.5, "needs_1": 2.0, "needs_2": 1.0,
    "same_network": 0.8, "at_once": 4.0, "same_owner": 0.3, "same_stem": 0.3,
    "same_change": 2.0, "source_says": 2.5, "words": 0.5, "labels": 0.5,
    "together": 1.0,
}  # fmt: skip
_PRIOR_JOIN = {"best": 1.0, "quiet": -0.3, "over": -8.0}
# In the generated storms a name tells owner and layer exactly, as it does nowhere else: these stay at the prior.
_FIRM = {"same_owner": 3000.0, "same_stem": 3000.0}
_MOST_SAMPLES = 30_000


class Samples:
    """Labelled pairs and labelled (alert, group) choices, by whether the catalogue knew the things."""

    def __init__(self) -> None:
        self.pairs: dict[bool, list[Sample]] = {True: [], False: []}
        self.joins: dict[bool, list[Sample]] = {True: [], False: []}
        self.bests: dict[bool, list[Sample]] = {True: [], False: []}

    def add(self, options: Sequence[Option], cause: str, causes: dict[str, str]) -> None:
        for option in options:
            for _, old, mapped, values in option.links:
                self.pairs[mapped].append((values, causes[old.id] == cause))
            most = Counter(causes[member.id] for member in option.group.members).most_common(1)[0][0]
            self.joins[option.mapped].append((option.factors, most == cause))
            if option is options[0]:
                odds = log(max(option.confidence, 1e-9) / max(1 - option.confidence, 1e-9))
                self.bests[option.mapped].append(([odds], most == cause))


def collect(storm: Storm, mapped: bool, weights: Weights, *, taught: bool, samples: Samples) -> None:
    """Run one storm; ``taught`` puts every alert where it truly belongs."""
    correlator = Correlator(storm.topology if mapped else Topology(), weights=weights)
    causes: dict[str, str] = {}
    groups: dict[str, Group] = {}
    for heard in storm.heard:
        signal = heard.signal
        if signal is None:
            continue
        options = correlator.options(signal)
        samples.add(options, heard.cause, causes)
        causes[signal.id] = heard.cause
        if taught:
            correlator.put(signal, options, groups.get(heard.cause))
            group = correlator.group(signal.id)
            if group is not None:
                groups[heard.cause] = group
        else:
            correlator.place(signal)


def fit(samples: Sequence[Sample], names: Sequence[str], prior: dict[str, float]) -> Logistic:
    """Logistic regression by Newton's method with a quadratic pull to the prior; the bias is free."""
    if len(samples) > _MOST_SAMPLES:
        samples = random.Random(7).sample(list(samples), _MOST_SAMPLES)
    rows: list[Row] = [([(0, 1.0), *((i, v) for i, v in enumerate(values, 1) if v)], so) for values, so in samples]
    centre = [0.0, *(prior.get(name, 0.0) for name in names)]
    pulls = [1e-6, *(_FIRM.get(name, _PULL) for name in names)]
    weights, loss = centre.copy(), _loss(rows, centre, centre, pulls)
    for _ in range(25):
        step = solve(*_slopes(rows, weights, centre, pulls))
        length, better, improved = 1.0, weights, loss
        while length > 1e-3:
            better = [w + length * s for w, s in zip(weights, step, strict=True)]
            improved = _loss(rows, better, centre, pulls)
            if improved < loss:
                break
            length /= 2
        if loss - improved < 1e-6 * loss:
            break
        weights, loss = better, improved
    return Logistic(round(weights[0], 4), {name: round(w, 4) for name, w in zip(names, weights[1:], strict=True)})


def _loss(rows: list[Row], weights: list[float], centre: list[float], pulls: list[float]) -> float:
    """Negative log-likelihood with the pull to the centre."""
    total = sum(pull / 2 * (w - c) ** 2 for pull, w, c in zip(pulls, weights, centre, strict=True))
    for entries, so in rows:
        logit = sum(weights[i] * v for i, v in entries)
        total += log1p(exp(min(-logit if so else logit, 700.0)))
    return total


def _slopes(
    rows: list[Row], weights: list[float], centre: list[float], pulls: list[float]
) -> tuple[list[list[float]], list[float]]:
    """Curvature and gradient of the loss's opposite."""
    size = len(weights)
    gradient = [pulls[i] * (centre[i] - weights[i]) for i in range(size)]
    curvature = [[pulls[i] if i == j else 0.0 for j in range(size)] for i in range(size)]
    for entries, so in rows:
        said = confidence(sum(weights[i] * v for i, v in entries))
        off, bend = (1.0 if so else 0.0) - said, max(said * (1 - said), 1e-9)
        for place, (i, v) in enumerate(entries):
            gradient[i] += off * v
            line, bent = curvature[i], bend * v
            for j, u in entries[place:]:
                line[j] += bent * u
    for i in range(size):
        for j in range(i):
            curvature[i][j] = curvature[j][i]
    return curvature, gradient


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a system of linear equations, by elimination with pivoting."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    n = len(rows)
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            if factor:
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    found = [0.0] * n
    for i in reversed(range(n)):
        found[i] = (rows[i][n] - sum(rows[i][j] * found[j] for j in range(i + 1, n))) / rows[i][i]
    return found


def learn(storms: Sequence[Storm]) -> Weights:
    """The weights for these storms."""
    pair, join = Logistic(0.0, _PRIOR_PAIR), Logistic(0.0, _PRIOR_JOIN)
    weights = Weights(pair, pair, join, join)
    samples = _samples(storms, weights, taught=True)
    weights = msgspec.structs.replace(
        weights,
        mapped=fit(samples.pairs[True], PAIR_FACTORS, _PRIOR_PAIR),
        unmapped=fit(samples.pairs[False], PAIR_FACTORS, _PRIOR_PAIR),
    )
    samples = _samples(storms, weights, taught=True)
    for _ in range(3):
        joins = {mapped: list(samples.joins[mapped]) for mapped in (True, False)}
        weights = msgspec.structs.replace(
            weights,
            join_mapped=fit(joins[True], JOIN_FACTORS, _PRIOR_JOIN),
            join_unmapped=fit(joins[False], JOIN_FACTORS, _PRIOR_JOIN),
        )
        samples = _samples(storms, weights, taught=False)
    return msgspec.structs.replace(
        weights,
        join_mapped=_straightened(weights.join_mapped, samples.bests[True]),
        join_unmapped=_straightened(weights.join_unmapped, samples.bests[False]),
    )


def _straightened(given: Logistic, bests: Sequence[Sample]) -> Logistic:
    """Platt's scaling: the best of several groups is right more often than one of them, so its odds are fitted anew."""
    fitted = fit(bests, ("odds",), {"odds": 1.0})
    by = fitted.weights["odds"]
    return Logistic(
        round(by * given.bias + fitted.bias, 4), {name: round(by * w, 4) for name, w in given.weights.items()}
    )


def _samples(storms: Sequence[Storm], weights: Weights, *, taught: bool) -> Samples:
    samples = Samples()
    for storm in storms:
        for mapped in (True, False):
            collect(storm, mapped, weights, taught=taught, samples=samples)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.learn_correlation")
    parser.add_argument("--storms", type=Path, default=os.environ.get("DESKBELL_STORMS"), required=False)
    parser.add_argument("--out", type=Path, default=Path("core/correlation/weights.json"))
    parser.add_argument("--seeds", type=int, default=20, help="odd seeds below this are learned from")
    arguments = parser.parse_args()
    generator = Generator(arguments.storms)
    storms = [generator.storm(seed, services_of(seed)) for seed in range(1, arguments.seeds, 2)]
    arguments.out.write_bytes(msgspec.json.format(msgspec.json.encode(learn(storms)), indent=1) + b"\n")


if __name__ == "__main__":
    main()
