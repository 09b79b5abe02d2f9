"""Correlation of alerts as they arrive, each placed at once and for good reason.

For every alert: look up what may belong to it (by place, host, neighbours, shared ground, kind, change, and the newest
few), weigh each pair, weigh the alert against each group so found, and join the best one, or begin a group. A member
below the threshold is held on probation: for everybody else it stands alone, and it is looked at again as the group
grows, as are lonely neighbours. Where an alert belongs to two groups above the threshold, and enough alerts say so, the
two become one: no single link joins two groups unless it is strong. Every list is bounded, so the cost does not grow
with what is stored.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

from core.correlation.cooccurrence import CoOccurrence
from core.correlation.evidence import NO_LINK, GroupState, join_factors, pair_factors, tie
from core.correlation.signal import Signal
from core.correlation.topology import Topology
from core.correlation.weights import Weights, confidence, join_scorer, pair_scorer, shipped

WINDOW = 600.0
THRESHOLD = 0.8
_PER_PLACE = 6
_MOST_CANDIDATES = 40
_NEWEST = 10
_FIRST_TEMPO = 30.0
_TEMPO_WEIGHT = 0.2
_PROBATION = 0.5
_STRONG = 0.95
_SECOND_LOOKS = 2
_BRIDGES = 2
_NEAR = 120.0


class Link(msgspec.Struct, frozen=True):
    """One earlier alert that the new one was compared with. ``factors`` are (name, value, share of the log-odds)."""

    other: str
    confidence: float
    mapped: bool
    factors: tuple[tuple[str, float, float], ...]


class Placement(msgspec.Struct, frozen=True):
    """Where an alert was put and why, complete enough to be shown and to be repeated.

    ``group`` is the group's name, the id of its first alert; ``confidence`` that the alert belongs there, of the best
    group when it began its own. It counts as a member when ``joined``; else it stands alone. ``confirmed`` are earlier
    alerts that now count as members, with their confidence, ``absorbed`` groups that became part of this one.
    ``links`` are the strongest three pairs that speak for (or against) it, ``factors`` what the group added.
    """

    group: str
    confidence: float
    joined: bool
    links: tuple[Link, ...] = ()
    factors: tuple[tuple[str, float, float], ...] = ()
    confirmed: tuple[tuple[str, float], ...] = ()
    absorbed: tuple[str, ...] = ()


class Group:
    """Alerts held to have one cause. ``tempo`` is the mean of the seconds between them, drawn to a usual value."""

    __slots__ = ("began", "doubtful", "latest", "members", "name", "problems", "spread")

    def __init__(self, name: str, at: float) -> None:
        self.name = name
        self.began = self.latest = at
        self.members: list[Signal] = []
        self.problems: set[str] = set()
        self.doubtful: dict[str, Signal] = {}
        self.spread = _FIRST_TEMPO * _TEMPO_WEIGHT

    @property
    def tempo(self) -> float:
        return self.spread / (_TEMPO_WEIGHT + max(len(self.members) - 1, 0))

    def add(self, signal: Signal) -> None:
        self.spread += max(signal.at - self.latest, 0.0)
        self.latest = max(self.latest, signal.at)
        self.began = min(self.began, signal.at)
        self.members.append(signal)
        self.problems.add(signal.problem)

    def state(self, signal: Signal) -> GroupState:
        """What the group is like for an alert that comes now."""
        return GroupState(
            silence=max(signal.at - self.latest, 0.0),
            age=max(signal.at - self.began, 0.0),
            tempo=self.tempo,
            size=len(self.members),
            flapping=len(self.members) > 1 and len(self.problems) == 1 and signal.problem not in self.problems,
        )

    def absorb(self, other: Group) -> None:
        self.members += other.members
        self.problems |= other.problems
        self.doubtful |= other.doubtful
        self.began, self.latest = min(self.began, other.began), max(self.latest, other.latest)
        self.spread = min(_FIRST_TEMPO * _TEMPO_WEIGHT + (self.latest - self.began), self.spread + other.spread)


class Option:
    """A group that an alert may join, with the links that lead into it."""

    __slots__ = ("confidence", "factors", "group", "links", "mapped", "ties")

    def __init__(self, group: Group) -> None:
        self.group = group
        self.links: list[tuple[float, Signal, bool, list[float]]] = []
        self.ties: list[tuple[float, float, float]] = []
        self.mapped = False
        self.factors: list[float] = []
        self.confidence = 0.0


class Correlator:
    """``window`` in seconds: alerts further apart are never compared. ``threshold`` 0..1: below it nothing is joined.

    Alerts are to be given in the order of their arrival; the clock is ``Signal.at``.
    """

    def __init__(
        self,
        topology: Topology | None = None,
        *,
        window: float = WINDOW,
        threshold: float = THRESHOLD,
        weights: Weights | None = None,
        kinds: CoOccurrence | None = None,
    ) -> None:
        given = weights or shipped()
        self.topology = topology or Topology()
        self.kinds = kinds or CoOccurrence()
        self._window = window
        self._threshold = threshold
        self._pair = {True: pair_scorer(given.mapped), False: pair_scorer(given.unmapped)}
        self._join = {True: join_scorer(given.join_mapped), False: join_scorer(given.join_unmapped)}
        self._number = 0
        self._numbers: dict[str, int] = {}
        self._group_of: dict[str, Group] = {}
        self._index: OrderedDict[tuple[str, str], deque[Signal]] = OrderedDict()
        self._newest: deque[Signal] = deque(maxlen=_NEWEST)
        self._open: deque[Signal] = deque()
        self._bridges: dict[tuple[str, str], int] = {}

    def place(self, signal: Signal) -> Placement:
        """Put one alert into a group and say why."""
        options = self.options(signal)
        placement = self._decide(signal, options)
        self._remember(signal, options)
        return self._look_again(placement, signal, options) if placement.group != signal.id else placement

    def put(self, signal: Signal, options: list[Option], group: Group | None) -> None:
        """Put an alert where somebody who knows says; None begins a group. ``options`` are its own."""
        self._enter(signal, group or Group(signal.id, signal.at))
        self._remember(signal, options)

    def group(self, id: str) -> Group | None:
        """The group that an alert of the window is in."""
        return self._group_of.get(id)

    def options(self, signal: Signal, now: float | None = None) -> list[Option]:
        """The groups that ``signal`` may belong to, the most likely first. One of the window is weighed against all
        others, and its own group, as if it were not in it."""
        self._expire(signal.at if now is None else now)
        number = self._numbers.get(signal.id, self._number)
        found: dict[str, Option] = {}
        for old in self._candidates(signal):
            if old.id == signal.id:
                continue
            group = self._group_of[old.id]
            option = found.get(group.name)
            if option is None:
                option = found[group.name] = Option(group)
            mapped = signal.thing in self.topology and old.thing in self.topology
            first, then = (signal, old) if old.at > signal.at else (old, signal)
            between = abs(number - self._numbers[old.id])
            values = pair_factors(then, first, between, self.topology, self.kinds)
            logit = self._pair[mapped].logit(values)
            option.links.append((logit, old, mapped, values))
            relation = self.topology.relation(signal.thing, old.thing)
            option.ties.append((logit, tie(signal, old, relation), abs(signal.at - old.at)))
            option.mapped = option.mapped or mapped
        self._weigh(signal, list(found.values()))
        return sorted(found.values(), key=lambda option: -option.confidence)

    def _weigh(self, signal: Signal, options: list[Option]) -> None:
        bests = sorted((max(option.ties)[0] for option in options), reverse=True)
        for option in options:
            best = max(option.ties)[0]
            rival = bests[0] if best < bests[0] else bests[1] if len(bests) > 1 else NO_LINK
            option.factors = join_factors(option.ties, option.group.state(signal), rival)
            option.confidence = confidence(self._join[option.mapped].logit(option.factors))

    def _decide(self, signal: Signal, options: list[Option]) -> Placement:
        best = options[0] if options else None
        if best is None or best.confidence < _PROBATION:
            self._enter(signal, Group(signal.id, signal.at))
            said = best.confidence if best else 0.0
            return Placement(signal.id, said, False, self._links(best), self._parts(best))
        group, joined = best.group, best.confidence >= self._threshold
        self._enter(signal, group)
        if not joined:
            group.doubtful[signal.id] = signal
        absorbed = [name for option in options[1:] if (name := self._bridge(best, option))]
        return Placement(
            group=group.name,
            confidence=best.confidence,
            joined=joined,
            links=self._links(best),
            factors=self._parts(best),
            absorbed=tuple(absorbed),
        )

    def _look_again(self, placement: Placement, signal: Signal, options: list[Option]) -> Placement:
        """Weigh those anew who were not sure to belong, now that there is one more to speak for them."""
        group = self._group_of[signal.id]
        doubtful = [old for old in reversed(group.doubtful.values()) if old.id != signal.id][:_SECOND_LOOKS]
        lonely = [
            option.group.members[0]
            for option in options
            if len(option.group.members) == 1 and option.group is not group and max(option.ties)[0] > 0.0
        ][:_SECOND_LOOKS]
        confirmed, absorbed = [], list(placement.absorbed)
        for old in (*doubtful, *lonely):
            if old.id not in self._group_of:
                group.doubtful.pop(old.id, None)
                continue
            again = next((o for o in self.options(old, now=signal.at) if o.group is group), None)
            own = self._group_of[old.id]
            if again is None or again.confidence < self._threshold or (own is group and old.id not in group.doubtful):
                continue
            if own is group:
                del group.doubtful[old.id]
                confirmed.append((old.id, again.confidence))
            else:
                absorbed.append(self._merge(group, self._group_of[old.id]))
        return msgspec.structs.replace(placement, confirmed=tuple(confirmed), absorbed=tuple(absorbed))

    def _bridge(self, best: Option, other: Option) -> str | None:
        """Make one of two groups that an alert belongs to, unless it is the only one to say so, and not strongly."""
        if other.confidence < self._threshold:
            return None
        names = sorted((best.group.name, other.group.name))
        key = names[0], names[1]
        self._bridges[key] = bridges = self._bridges.get(key, 0) + 1
        small = min(len(best.group.members), len(other.group.members)) <= 1
        if other.confidence < _STRONG and bridges < _BRIDGES and not small:
            return None
        del self._bridges[key]
        return self._merge(best.group, other.group)

    def _merge(self, into: Group, other: Group) -> str:
        for member in other.members:
            if member.id in self._group_of:
                self._group_of[member.id] = into
        into.absorb(other)
        return other.name

    def _enter(self, signal: Signal, group: Group) -> None:
        group.add(signal)
        self._group_of[signal.id] = group

    def _links(self, option: Option | None, most: int = 3) -> tuple[Link, ...]:
        ranked = sorted(option.links, key=lambda link: -link[0])[:most] if option else []
        return tuple(
            Link(old.id, confidence(logit), mapped, self._pair[mapped].parts(values))
            for logit, old, mapped, values in ranked
        )

    def _parts(self, option: Option | None) -> tuple[tuple[str, float, float], ...]:
        return self._join[option.mapped].parts(option.factors) if option else ()

    def _candidates(self, signal: Signal) -> Iterable[Signal]:
        """Earlier alerts worth comparing, by the likeliest places first, at most ``_MOST_CANDIDATES``."""
        found: dict[str, Signal] = {}
        earliest = signal.at - self._window
        for key in self._questions(signal):
            for old in reversed(self._index.get(key, ())):
                if old.at >= earliest and old.id in self._group_of:
                    found[old.id] = old
            if len(found) >= _MOST_CANDIDATES:
                break
        for old in self._newest:
            if old.at >= earliest and old.id in self._group_of:
                found[old.id] = old
        return found.values()

    def _questions(self, signal: Signal) -> Iterator[tuple[str, str]]:
        """Where to look for what may belong to ``signal``."""
        yield "problem", signal.problem
        yield "thing", signal.thing
        above = self.topology.above(signal.thing)
        for needed in (*signal.needs, *above):
            yield "thing", needed
        yield "above", signal.thing
        if signal.host is not None:
            yield "host", signal.host
            yield "thing", signal.host
        if signal.change is not None:
            yield "change", signal.change
        for needed in (*signal.needs, *above):
            yield "above", needed
        if signal.network is not None:
            yield "network", signal.network
        yield "kind", signal.kind

    def _answers(self, signal: Signal) -> Iterator[tuple[str, str]]:
        """Under which keys ``signal`` is found by later ones."""
        yield "problem", signal.problem
        yield "thing", signal.thing
        for needed in dict.fromkeys((*signal.needs, *self.topology.above(signal.thing))):
            yield "above", needed
        if signal.host is not None:
            yield "host", signal.host
        if signal.change is not None:
            yield "change", signal.change
        if signal.network is not None:
            yield "network", signal.network
        yield "kind", signal.kind

    def _remember(self, signal: Signal, options: list[Option]) -> None:
        self._learn(signal, options)
        self._numbers[signal.id] = self._number
        self._number += 1
        for key in self._answers(signal):
            entries = self._index.get(key)
            if entries is None:
                entries = self._index[key] = deque(maxlen=_PER_PLACE)
            entries.append(signal)
        self._newest.append(signal)
        self._open.append(signal)

    def _learn(self, signal: Signal, options: list[Option]) -> None:
        """Count which kinds were nearby, each once, in the group or out of it."""
        self.kinds.saw(signal.kind, signal.at)
        seen: dict[str, float] = {}
        for old in (link[1] for option in options for link in option.links):
            if old.problem != signal.problem and self._is_near(signal, old):
                lag = signal.at - old.at
                seen[old.kind] = min(lag, seen.get(old.kind, lag))
        for kind, lag in seen.items():
            self.kinds.followed(kind, signal.kind, lag, signal.at)

    def _is_near(self, new: Signal, old: Signal) -> bool:
        if new.at - old.at > _NEAR:
            return False
        return not self.topology or tie(new, old, self.topology.relation(new.thing, old.thing)) > 0.0

    def _expire(self, now: float) -> None:
        """Forget what has left the window."""
        earliest = now - self._window
        while self._open and self._open[0].at < earliest:
            old = self._open.popleft()
            self._numbers.pop(old.id, None)
            self._group_of.pop(old.id, None)
            for key in self._answers(old):
                entries = self._index.get(key)
                if entries is not None and entries[0].id == old.id:
                    entries.popleft()
                    if not entries:
                        del self._index[key]


def grouping(placements: Iterable[tuple[str, Placement]]) -> Callable[[str], str]:
    """From each alert's placement, in order, the last name of the group that it ended in."""
    into: dict[str, str] = {}
    of: dict[str, str] = {}
    for id, placement in placements:
        of[id] = placement.group if placement.joined else id
        of.update((other, placement.group) for other, _ in placement.confirmed)
        into.update((name, placement.group) for name in placement.absorbed)

    def last(id: str) -> str:
        name = of[id]
        while name in into:
            name = into[name]
        return name

    return last
