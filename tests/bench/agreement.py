"""How well two groupings, a ranking or a confidence agree with the truth: the usual measures, written out.

A grouping is a list of group names, one for each item. ARI: Hubert and Arabie, Comparing partitions, 1985. AMI: Vinh,
Epps and Bailey, Information theoretic measures for clusterings comparison, 2010, with the arithmetic mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import exp, lgamma, log
from typing import NamedTuple

Names = Sequence[Hashable]


class Pairs(NamedTuple):
    """Pairs of items: together in both groupings, in the truth, in the found one, and all."""

    both: int
    truth: int
    found: int
    all: int

    @property
    def precision(self) -> float:
        return self.both / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.both / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairs(truth: Names, found: Names) -> Pairs:
    def within(names: Names) -> int:
        return sum(n * (n - 1) // 2 for n in Counter(names).values())

    n = len(truth)
    return Pairs(within(list(zip(truth, found, strict=True))), within(truth), within(found), n * (n - 1) // 2)


def adjusted_rand(truth: Names, found: Names) -> float:
    """1 for the same grouping, about 0 for one by chance."""
    p = pairs(truth, found)
    expected = p.truth * p.found / p.all if p.all else 0.0
    best = (p.truth + p.found) / 2
    return (p.both - expected) / (best - expected) if best != expected else 1.0


def adjusted_mutual_information(truth: Names, found: Names) -> float:
    """1 for the same grouping, about 0 for one by chance."""
    n = len(truth)
    a, b, both = Counter(truth), Counter(found), Counter(zip(truth, found, strict=True))
    if len(a) == len(b) == 1 or len(a) == len(b) == n:
        return 1.0
    mutual = sum(m / n * log(n * m / (a[t] * b[f])) for (t, f), m in both.items())
    expected = _expected_mutual_information(Counter(a.values()), Counter(b.values()), n)
    mean = (_entropy(a, n) + _entropy(b, n)) / 2
    return (mutual - expected) / (mean - expected) if mean != expected else 1.0


def _entropy(sizes: Counter[Hashable], n: int) -> float:
    return -sum(size / n * log(size / n) for size in sizes.values())


def _expected_mutual_information(a: Counter[int], b: Counter[int], n: int) -> float:
    """By the hypergeometric model; equal sizes are taken together."""
    total = 0.0
    for x, times_x in a.items():
        for y, times_y in b.items():
            constant = lgamma(x + 1) + lgamma(y + 1) + lgamma(n - x + 1) + lgamma(n - y + 1) - lgamma(n + 1)
            part = 0.0
            for m in range(max(1, x + y - n), min(x, y) + 1):
                ways = lgamma(m + 1) + lgamma(x - m + 1) + lgamma(y - m + 1) + lgamma(n - x - y + m + 1)
                part += m / n * log(n * m / (x * y)) * exp(constant - ways)
            total += part * times_x * times_y
    return total


def over_merged(truth: Names, found: Names) -> float:
    """Share of the found groups of two or more that mix causes."""
    causes: dict[Hashable, Counter[Hashable]] = {}
    for cause, group in zip(truth, found, strict=True):
        causes.setdefault(group, Counter())[cause] += 1
    grown = [counts for counts in causes.values() if counts.total() > 1]
    return sum(1 for counts in grown if len(counts) > 1) / len(grown) if grown else 0.0


def compression(found: Names) -> float:
    """Share of the items that begin no group."""
    return 1 - len(set(found)) / len(found) if found else 0.0


def roc_area(truth: Sequence[bool], scores: Sequence[float]) -> float:
    """Chance that a true item ranks above a false one; ties count half."""
    ranked = sorted(zip(scores, truth, strict=True), key=lambda item: item[0])
    ranks, start = 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        ranks += sum(1 for _, true in ranked[start:end] if true) * (start + 1 + end) / 2
        start = end
    positive = sum(truth)
    negative = len(truth) - positive
    return (ranks - positive * (positive + 1) / 2) / (positive * negative) if positive and negative else 0.0


def average_precision(truth: Sequence[bool], scores: Sequence[float]) -> float:
    """Mean of the precision over the true items, best score first; equal scores count as one step."""
    ranked = sorted(zip(scores, truth, strict=True), key=lambda item: -item[0])
    positive, hits, area, start = sum(truth), 0, 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        new = sum(1 for _, true in ranked[start:end] if true)
        hits += new
        area += new * hits / end
        start = end
    return area / positive if positive else 0.0


class Bin(NamedTuple):
    low: float
    high: float
    cases: int
    said: float
    true: float


def reliability(said: Sequence[tuple[float, bool]], bins: int = 10) -> list[Bin]:
    """What was said against what was so, in equal steps of confidence; empty steps are left out."""
    sorted_in: dict[int, list[tuple[float, bool]]] = {}
    for confidence, true in said:
        sorted_in.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, true))
    return [
        Bin(
            step / bins,
            (step + 1) / bins,
            len(inside),
            sum(confidence for confidence, _ in inside) / len(inside),
            sum(1 for _, true in inside if true) / len(inside),
        )
        for step, inside in sorted(sorted_in.items())
    ]


def calibration_error(table: Sequence[Bin]) -> float:
    """Mean distance of what was said from what was so, weighted by count."""
    total = sum(step.cases for step in table)
    return sum(step.cases * abs(step.said - step.true) for step in table) / total if total else 0.0
