"""Which kinds of alerts come together, learned as they come and slowly forgotten.

For an ordered pair of kinds, how often the second followed the first nearby, against how often it would have by
chance. Forgetting is exponential: new sightings weigh more rather than old ones less, so that an update touches a few
numbers only; the scale is reset before it overflows. The lag is the mean logarithm of the delays.
"""

from __future__ import annotations

import math

_RESCALE_AT = 1e12
_SHRINK = 1.0
_MOST_PAIRS = 200_000


class CoOccurrence:
    """``half_life`` in seconds. Kinds are any strings. Time may only go forward; what is late counts as now."""

    def __init__(self, half_life: float = 30 * 86400.0) -> None:
        self._rate = math.log(2) / half_life
        self._origin: float | None = None
        self._latest = 1.0
        self._seen: dict[str, float] = {}
        self._leads: dict[str, float] = {}
        self._follows: dict[str, float] = {}
        self._pairs: dict[tuple[str, str], list[float]] = {}
        self._all_pairs = 0.0

    def saw(self, kind: str, at: float) -> None:
        """One more alert of a kind."""
        weight = self._weight(at)
        self._seen[kind] = self._seen.get(kind, 0.0) + weight

    def followed(self, first: str, then: str, lag: float, at: float) -> None:
        """An alert of kind ``then`` came ``lag`` seconds after a nearby one of kind ``first``."""
        weight = self._weight(at)
        pair = self._pairs.get((first, then))
        if pair is None:
            if len(self._pairs) >= _MOST_PAIRS:
                self._forget_rarest()
            pair = self._pairs[first, then] = [0.0, 0.0]
        pair[0] += weight
        pair[1] += weight * math.log1p(max(lag, 0.0))
        self._all_pairs += weight
        self._leads[first] = self._leads.get(first, 0.0) + weight
        self._follows[then] = self._follows.get(then, 0.0) + weight

    def together(self, a: str, b: str) -> float:
        """Share 0..1 of the rarer kind's alerts that had the other nearby, shrunk towards 0 when little was seen."""
        forth, back = self._pairs.get((a, b)), self._pairs.get((b, a))
        both = (forth[0] if forth else 0.0) + (back[0] if back and a != b else 0.0)
        if not both:
            return 0.0
        scale = self._latest
        rarer = min(self._seen.get(a, 0.0), self._seen.get(b, 0.0)) / scale
        return min(1.0, both / scale / (rarer + _SHRINK))

    def lift(self, first: str, then: str) -> float:
        """How much more often ``then`` follows ``first`` nearby than any kind follows any: 1 is chance, 0 never."""
        pair = self._pairs.get((first, then))
        if pair is None:
            return 0.0
        expected = self._leads[first] * self._follows[then] / self._all_pairs
        scale = self._latest
        return (pair[0] / scale) / (expected / scale + _SHRINK)

    def sociable(self, kind: str) -> float:
        """How many nearby alerts one of this kind has on average; 0 for a kind that comes alone."""
        seen = self._seen.get(kind, 0.0) / self._latest
        near = (self._follows.get(kind, 0.0) + self._leads.get(kind, 0.0)) / self._latest
        return near / (seen + _SHRINK)

    def usual_lag(self, first: str, then: str) -> float | None:
        """Seconds that usually lie between the two, None when they were never seen together."""
        pair = self._pairs.get((first, then))
        return math.expm1(pair[1] / pair[0]) if pair else None

    def _weight(self, at: float) -> float:
        if self._origin is None:
            self._origin = at
        self._latest = max(self._latest, math.exp(self._rate * (at - self._origin)))
        if self._latest > _RESCALE_AT:
            self._rescale(at)
        return self._latest

    def _rescale(self, at: float) -> None:
        by = 1.0 / self._latest
        for table in (self._seen, self._leads, self._follows):
            for key in table:
                table[key] *= by
        for pair in self._pairs.values():
            pair[0] *= by
            pair[1] *= by
        self._all_pairs *= by
        self._origin, self._latest = at, 1.0

    def _forget_rarest(self) -> None:
        weights = sorted(pair[0] for pair in self._pairs.values())
        middle = weights[len(weights) // 2]
        self._pairs = {names: pair for names, pair in self._pairs.items() if pair[0] > middle}
