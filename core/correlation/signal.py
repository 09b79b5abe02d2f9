"""What correlation looks at in an alert: when, where, what kind, and in which words.

The kind is what stays the same when the same trouble strikes elsewhere: the rule's name, or the title with names and
numbers masked. Words are compared as sets; families are the field's own classes of symptoms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from core.model import Alert

_WORD = re.compile(r"[^\W\d_]{2,}")
_RULE_NAME = re.compile(r"(?:[A-Z][a-z0-9]+){2,}|[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)+")
_NAME_STEM = re.compile(r"[\d\W_]+$")
_TOO_COMMON = frozenset({"the", "and", "for", "with", "from", "has", "have", "not", "was", "are", "its", "once"})
_PLACE_LABELS = frozenset({"instance", "host", "hostname", "node", "pod", "service", "job", "device", "component"})
_RULE_LABELS = frozenset({"alertname", "severity"})
_NETWORK_LABELS = ("network", "rack", "zone", "cluster", "subnet", "switch")
_CHANGE_LABELS = ("change", "change_id", "deployment", "release", "version", "commit")
_PARENT_LABELS = ("depends_on", "parent", "parents", "upstream")
_MOST_WORDS = 24

# Classes of symptoms and the words, in English and Korean, that stand for them. HOUSEKEEPING is what rarely has part
# in an outage.
HOUSEKEEPING = "housekeeping"
_FAMILIES: dict[str, tuple[str, ...]] = {
    "unreachable": ("unreachable", "down", "offline", "refused", "lost", "disconnected", "불가", "다운", "끊김"),
    "slow": ("latency", "slow", "timeout", "timeouts", "objective", "response", "지연", "느림", "시간초과"),
    "errors": ("error", "errors", "failed", "failing", "failure", "exception", "오류", "에러", "실패"),
    "full": ("full", "exhausted", "backlog", "lag", "queue", "saturated", "throttled", "포화", "적체", "부족"),
    HOUSEKEEPING: (
        "certificate",
        "expires",
        "expiry",
        "backup",
        "skew",
        "update",
        "updates",
        "renewal",
        "인증서",
        "백업",
    ),
}
_FAMILY_OF = {word: family for family, words in _FAMILIES.items() for word in words}


class Signal(msgspec.Struct, frozen=True):
    """One alert as correlation sees it. ``at`` is in seconds (POSIX time), ``severity`` 0 for info to 3 for critical.

    ``thing`` is what the alert is about, a service or else a host; ``problem`` names the same problem in the same
    place; ``needs`` are things that its own source says it depends on.
    """

    id: str
    at: float
    kind: str
    thing: str
    problem: str
    host: str | None = None
    severity: int = 1
    words: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    labels: frozenset[tuple[str, str]] = frozenset()
    network: str | None = None
    change: str | None = None
    needs: tuple[str, ...] = ()


def signal_of(alert: Alert, id: str, at: float) -> Signal:
    """The signal of an alert that was heard ``at``; ``id`` is what the caller knows it by."""
    thing = alert.service or alert.host or alert.source
    names = {name.lower() for name in (alert.service, alert.host) if name}
    words = words_of((alert.title, alert.description), names)
    labels = alert.labels
    return Signal(
        id=id,
        at=at,
        kind=_kind(alert, names),
        thing=thing,
        problem=f"{alert.source}/{alert.fingerprint}",
        host=alert.host,
        severity=alert.severity.rank,
        words=words,
        families=families_of(words),
        labels=frozenset((k, v) for k, v in labels.items() if k.lower() not in _PLACE_LABELS | _RULE_LABELS),
        network=_first(labels, _NETWORK_LABELS),
        change=_first(labels, _CHANGE_LABELS),
        needs=tuple((_first(labels, _PARENT_LABELS) or "").replace(",", " ").split()),
    )


def words_of(texts: Iterable[str], names: Iterable[str] = ()) -> frozenset[str]:
    """The words that say what is wrong: lower case, without numbers, names of places and the commonest words."""
    found: dict[str, None] = {}
    for text in texts:
        lowered = text.lower()
        for name in names:
            lowered = lowered.replace(name, " ")
        found.update(dict.fromkeys(word for word in _WORD.findall(lowered) if word not in _TOO_COMMON))
    return frozenset(list(found)[:_MOST_WORDS])


def families_of(words: Iterable[str]) -> frozenset[str]:
    """The classes of symptoms that the words stand for."""
    return frozenset(family for word in words if (family := _FAMILY_OF.get(word)))


def stem(name: str) -> str:
    """A name without the number at its end: ``web-17`` and ``web-18`` are of one kind."""
    return _NAME_STEM.sub("", name)


def _kind(alert: Alert, names: set[str]) -> str:
    rule = alert.labels.get("alertname")
    if rule:
        return rule.lower()
    named = _RULE_NAME.match(alert.title)
    if named:
        return named[0].lower()
    return " ".join(sorted(words_of((alert.title,), names)))[:120] or "alert"


def _first(labels: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := labels.get(name))), None)
