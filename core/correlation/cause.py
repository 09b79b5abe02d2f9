"""What probably caused a group of alerts: hypotheses in order, each with its reasons and the way from cause to harm.

A thing explains an alert that is about itself or about what needs it, the nearer the better. What explains much,
alerted early and severely, or was just changed, comes first. Something that raised no alert itself (a rack, a switch)
may be the cause as well, if two or more that need it directly did. Shares are of all hypotheses together, not
probabilities of being right; where the second is nearly as likely as the first, the answer says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp

import msgspec

from core.correlation.signal import Signal
from core.correlation.topology import Topology

_MOST = 3
_CLOSE = 0.7
_REASON_WEIGHTS = {"explains": 8.0, "direct": 1.0, "first": 1.5, "severe": 0.8, "changed": 2.0, "silent": -0.3}
_NEARNESS = {0: 1.0, 1: 0.9, 2: 0.75, 3: 0.6}


class Hypothesis(msgspec.Struct, frozen=True):
    """``thing`` may be the cause. ``share`` 0..1 among all considered; ``reasons`` are (name, value 0..1, its weight in
    the score); ``explains`` alerts of ``of``; ``path`` leads from what is hurt furthest away to the cause."""

    thing: str
    share: float
    explains: int
    of: int
    reasons: tuple[tuple[str, float, float], ...]
    path: tuple[str, ...] = ()


class Diagnosis(msgspec.Struct, frozen=True):
    """``hypotheses`` with the likeliest first; ``close`` when the second is nearly as likely."""

    hypotheses: tuple[Hypothesis, ...]
    close: bool


def diagnose(
    signals: Sequence[Signal], topology: Topology, changed: Mapping[str, float] | None = None, before: float = 1800.0
) -> Diagnosis:
    """The likeliest causes of a group. ``changed`` gives the POSIX time of the last change of things; one counts when
    it was at most ``before`` seconds ahead of the group's first alert. Raises ``ValueError`` for an empty group."""
    if not signals:
        raise ValueError("a group has at least one alert")
    first: dict[str, Signal] = {}
    for signal in sorted(signals, key=lambda signal: signal.at):
        first.setdefault(signal.thing, signal)
    began, last = min(s.at for s in signals), max(s.at for s in signals)
    scored = []
    for thing in _suspects(first, topology):
        hops = {name: _hops(first[name], thing, topology) for name in first}
        changed_at = (changed or {}).get(thing)
        reasons = {
            "explains": sum(_NEARNESS.get(h, 0.0) for h in hops.values() if h is not None) / len(first),
            "direct": _share_of_direct(hops),
            "first": _earliness(first.get(thing), began, last),
            "severe": first[thing].severity / 3.0 if thing in first else 0.0,
            "changed": 1.0 if changed_at is not None and 0.0 <= began - changed_at <= before else 0.0,
            "silent": 0.0 if thing in first else 1.0,
        }
        scored.append((sum(_REASON_WEIGHTS[name] * value for name, value in reasons.items()), thing, reasons, hops))
    scored.sort(key=lambda item: (-item[0], item[1]))
    total = sum(exp(score - scored[0][0]) for score, *_ in scored)
    hypotheses = tuple(
        Hypothesis(
            thing=thing,
            share=exp(score - scored[0][0]) / total,
            explains=sum(1 for signal in signals if hops[signal.thing] is not None),
            of=len(signals),
            reasons=_weighed(reasons),
            path=_furthest_path(thing, hops, first, topology),
        )
        for score, thing, reasons, hops in scored[:_MOST]
    )
    close = len(hypotheses) > 1 and hypotheses[1].share >= _CLOSE * hypotheses[0].share
    return Diagnosis(hypotheses, close)


def _suspects(first: Mapping[str, Signal], topology: Topology) -> Iterable[str]:
    """What alerted, and what two or more that alerted need directly."""
    needed: dict[str, int] = {}
    for name in first:
        for above, hops in topology.above(name).items():
            if hops == 1:
                needed[above] = needed.get(above, 0) + 1
    return [*first, *(name for name, users in needed.items() if users > 1 and name not in first)]


def _hops(hurt: Signal, cause: str, topology: Topology) -> int | None:
    """How far ``hurt`` is from what may have hurt it; None when it does not need it."""
    if hurt.thing == cause:
        return 0
    if cause in hurt.needs or cause == hurt.host:
        return 1
    return topology.above(hurt.thing).get(cause)


def _share_of_direct(hops: Mapping[str, int | None]) -> float:
    explained = [h for h in hops.values() if h]
    return sum(1 for h in explained if h == 1) / len(explained) if explained else 0.0


def _earliness(signal: Signal | None, began: float, last: float) -> float:
    if signal is None:
        return 0.0
    return 1.0 - (signal.at - began) / (last - began) if last > began else 1.0


def _weighed(reasons: Mapping[str, float]) -> tuple[tuple[str, float, float], ...]:
    parts = [(name, value, _REASON_WEIGHTS[name] * value) for name, value in reasons.items() if value]
    return tuple(sorted(parts, key=lambda part: -abs(part[2])))


def _furthest_path(
    cause: str, hops: Mapping[str, int | None], first: Mapping[str, Signal], topology: Topology
) -> tuple[str, ...]:
    furthest = max((name for name in first if hops[name]), key=lambda name: (hops[name] or 0, name), default=None)
    if furthest is None:
        return ()
    return topology.path(furthest, cause) or (furthest, cause)
