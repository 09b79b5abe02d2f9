"""The learned weights, and how factors become a confidence.

A confidence is the logistic function of a weighted sum: the weights come from storms whose causes are known, so that
among pairs with a confidence of 0.8 about eight in ten do have one cause.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from math import exp

import msgspec

from core.correlation.evidence import JOIN_FACTORS, PAIR_FACTORS


class Logistic(msgspec.Struct, frozen=True):
    """A logistic regression: ``bias`` and one weight for each named factor."""

    bias: float
    weights: dict[str, float]


class Weights(msgspec.Struct, frozen=True):
    """``mapped`` is for two things that the catalogue knows, ``unmapped`` for any others; ``join`` weighs an alert
    against a group."""

    mapped: Logistic
    unmapped: Logistic
    join_mapped: Logistic
    join_unmapped: Logistic


class Scorer:
    """A logistic regression over factors in a fixed order."""

    def __init__(self, given: Logistic, factors: tuple[str, ...]) -> None:
        self._bias = given.bias
        self._weights = [given.weights.get(name, 0.0) for name in factors]
        self._factors = factors

    def logit(self, values: list[float]) -> float:
        """The log-odds."""
        return self._bias + sum(weight * value for weight, value in zip(self._weights, values, strict=True))

    def parts(self, values: list[float]) -> tuple[tuple[str, float, float], ...]:
        """(factor, value, what it adds to the log-odds), the most telling first, without those that say nothing."""
        parts = [
            (name, value, weight * value)
            for name, weight, value in zip(self._factors, self._weights, values, strict=True)
            if abs(weight * value) >= 0.05
        ]
        return tuple(sorted(parts, key=lambda part: -abs(part[2])))


def pair_scorer(given: Logistic) -> Scorer:
    return Scorer(given, PAIR_FACTORS)


def join_scorer(given: Logistic) -> Scorer:
    return Scorer(given, JOIN_FACTORS)


def confidence(logit: float) -> float:
    """Probability 0..1 for log-odds."""
    if logit >= 0.0:
        return 1.0 / (1.0 + exp(-min(logit, 40.0)))
    odds = exp(max(logit, -40.0))
    return odds / (1.0 + odds)


@cache
def shipped() -> Weights:
    """The weights that come with the product."""
    return msgspec.json.decode(files("core.correlation").joinpath("weights.json").read_bytes(), type=Weights)
