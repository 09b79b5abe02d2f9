"""What speaks for two alerts having one cause, as named numbers.

Each factor is roughly within -1..4 and explains itself: the weights that turn them into a confidence are learned
from data and live in ``weights.json``. What one knows from the catalogue and what one does without it are
weighed apart, because missing knowledge is not evidence.
"""

from __future__ import annotations

from math import log, log1p
from typing import NamedTuple

from core.correlation.cooccurrence import CoOccurrence
from core.correlation.signal import HOUSEKEEPING, Signal, stem
from core.correlation.topology import UNRELATED, Relation, Topology

PAIR_FACTORS = (
    "gap",  # logarithm of the seconds between them
    "late",  # minutes beyond the first
    "gap_apart",  # the gap again, when they are no neighbours
    "between",  # logarithm of how many alerts came between, up to _MANY
    "off_lag",  # how far the gap is from what is usual for these two kinds
    "same_problem",
    "same_thing",
    "same_host",
    "needs_1",  # one needs the other directly
    "needs_2",
    "needs_3",
    "cause_first",  # what is needed alerted before what needs it
    "shared_1",  # both need one thing directly, the more telling the fewer need it
    "shared_2",  # the same, further away
    "same_owner",
    "at_once",  # one thing or host, within two seconds
    "same_network",
    "same_stem",  # names alike but for their numbers
    "same_kind",
    "words",  # overlap of the words
    "families",  # overlap of the classes of symptoms
    "labels",  # overlap of the labels that name no place
    "together",  # how often these kinds come together
    "alone",  # the quieter of the two kinds usually comes alone
    "housekeeping",
    "low_severity",
    "both_severe",
    "same_change",
    "source_says",  # the source names one as needed by the other
)


def pair_factors(new: Signal, old: Signal, between: int, topology: Topology, kinds: CoOccurrence) -> list[float]:
    """The factors of ``new`` and an ``old`` one that came before it, in the order of ``PAIR_FACTORS``."""
    gap = new.at - old.at if new.at > old.at else 0.0
    relation = topology.relation(new.thing, old.thing) if new.thing != old.thing else UNRELATED
    hops = relation.down or relation.up
    shared = 1.0 / log(2.0 + relation.fan) if relation.shared else 0.0
    lag = kinds.usual_lag(old.kind, new.kind)
    same_place = new.thing == old.thing or (new.host is not None and new.host == old.host)
    named = old.thing in new.needs or new.thing in old.needs
    near = tie(new, old, relation) > 0.5
    return [
        log1p(gap),
        gap / 60.0 - 1.0 if gap > 60.0 else 0.0,
        0.0 if near else log1p(gap),
        log1p(min(between, _MANY)),
        abs(log1p(gap) - log1p(lag)) if lag is not None else 1.0,
        1.0 if new.problem == old.problem else 0.0,
        1.0 if new.thing == old.thing else 0.0,
        1.0 if new.host is not None and new.host == old.host else 0.0,
        1.0 if hops == 1 else 0.0,
        1.0 if hops == 2 else 0.0,
        1.0 if hops == 3 else 0.0,
        1.0 if relation.down else -1.0 if relation.up else 0.0,
        shared if relation.shared_hops == 2 and not hops else 0.0,
        shared if relation.shared_hops > 2 and not hops else 0.0,
        1.0 if relation.same_owner else 0.0,
        1.0 if gap <= 2.0 and same_place else 0.0,
        1.0 if new.network is not None and new.network == old.network else 0.0,
        1.0 if new.thing != old.thing and stem(new.thing) == stem(old.thing) else 0.0,
        1.0 if new.kind == old.kind else 0.0,
        _overlap(new.words, old.words),
        _overlap(new.families, old.families),
        _overlap(new.labels, old.labels),
        kinds.together(old.kind, new.kind),
        1.0 / (1.0 + min(kinds.sociable(new.kind), kinds.sociable(old.kind))),
        1.0 if HOUSEKEEPING in new.families or HOUSEKEEPING in old.families else 0.0,
        1.0 if new.severity == 0 or old.severity == 0 else 0.0,
        1.0 if new.severity >= 2 and old.severity >= 2 else 0.0,
        1.0 if new.change is not None and new.change == old.change else 0.0,
        1.0 if named else 0.0,
    ]


def tie(new: Signal, old: Signal, relation: Relation) -> float:
    """How close the two stand, whatever the time: 1 for neighbours (one thing or host, one needs the other, both need
    the same), 0.5 for a longer way, 0 for none that is known."""
    if new.thing == old.thing or relation.down == 1 or relation.up == 1 or relation.shared_hops == 2:
        return 1.0
    if new.host is not None and new.host in (old.host, old.thing):
        return 1.0
    if old.host == new.thing or old.thing in new.needs or new.thing in old.needs:
        return 1.0
    return 0.5 if relation.down or relation.up or relation.shared else 0.0


def _overlap(a: frozenset[object], b: frozenset[object]) -> float:
    """Jaccard's index, 0..1."""
    if not a or not b:
        return 0.0
    both = len(a & b)
    return both / (len(a) + len(b) - both) if both else 0.0


JOIN_FACTORS = (
    "best",  # log-odds of the strongest link into the group
    "second",  # of the next strongest
    "support",  # logarithm of how many of its alerts are linked at even odds or better
    "share",  # share of the looked-at alerts of the group that are
    "quiet",  # how long the group has been quiet, against its own tempo
    "over",  # the same beyond what even a ragged burst does
    "silence",  # logarithm of the seconds for which it has been quiet
    "stale",  # minutes of quiet beyond the first
    "tie",  # how close the closest of it stands
    "tie_gap",  # minutes since the newest of those
    "flapping",  # it is one problem that comes and goes, and this is another
    "size",  # logarithm of the number of its alerts, up to _MANY
    "age",  # logarithm of the seconds since it began
    "rivals",  # log-odds of the strongest link into any other group
)
NO_LINK = -6.0
_MANY = 12
_PAUSE = 5.0  # about 150 times the usual time between two alerts


class GroupState(NamedTuple):
    """What a group is like when an alert comes: seconds since its last and its first alert, the usual seconds between
    two, the number of its alerts, whether it is one problem that comes and goes."""

    silence: float
    age: float
    tempo: float
    size: int
    flapping: bool


def join_factors(links: list[tuple[float, float, float]], group: GroupState, rival: float) -> list[float]:
    """The factors of an alert and a group. ``links`` are the log-odds, the tie and the gap in seconds of each link into
    it, ``rival`` the log-odds of the strongest link into any other."""
    ranked = sorted((link[0] for link in links), reverse=True)
    supporting = sum(1 for logit in ranked if logit > 0.0)
    closest = max(link[1] for link in links)
    pause = log((group.silence + 0.01) / (group.tempo + 0.01))
    tie_gap = min(link[2] for link in links if link[1] == closest)
    return [
        max(ranked[0], NO_LINK),
        max(ranked[1], NO_LINK) if len(ranked) > 1 else NO_LINK,
        log1p(supporting),
        supporting / len(ranked),
        max(0.0, min(pause, _PAUSE)),
        max(0.0, pause - _PAUSE),
        log1p(group.silence),
        group.silence / 60.0 - 1.0 if group.silence > 60.0 else 0.0,
        closest,
        tie_gap / 60.0,
        1.0 if group.flapping else 0.0,
        log1p(min(group.size, _MANY)),
        log1p(group.age),
        max(rival, NO_LINK),
    ]
