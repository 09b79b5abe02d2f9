"""What every source's normaliser returns, and the small decisions that they share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from core.model import Alert, Problem

_FINGERPRINT_LIMIT = 200
_TEXT_LIMIT = 20_000
_TITLE_LIMIT = 500


class NotUnderstood(Exception):
    """An authentic delivery that could not be read; it becomes a dead letter with this problem."""

    def __init__(self, code: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(code, message, path)


class Normalised(msgspec.Struct, frozen=True):
    """``alerts`` that were understood. ``problem`` is the first thing that was not; ``ignored`` says why there is
    nothing to do. ``received`` counts the messages in the delivery, understood or not."""

    alerts: tuple[Alert, ...]
    received: int
    problem: Problem | None = None
    ignored: str | None = None


def fingerprint_of(parts: Iterable[str]) -> str:
    """A stable name for a problem that its source does not name: 16 hexadecimal digits."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def bounded_fingerprint(fingerprint: str) -> str:
    """The source's own name of the problem, or a digest of one that is too long for an index."""
    return fingerprint if len(fingerprint) <= _FINGERPRINT_LIMIT else fingerprint_of((fingerprint,))


def first_label(labels: Mapping[str, str], names: Iterable[str]) -> str | None:
    for name in names:
        value = labels.get(name)
        if value:
            return value
    return None


def bare_host(instance: str) -> str:
    """``db01:9100`` and ``http://db01:9100/metrics`` -> ``db01``; an IPv6 address loses its brackets and port."""
    host = instance.split("://", 1)[-1].split("/", 1)[0]
    if host.startswith("["):
        return host[1:].split("]", 1)[0]
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and ":" not in name else host


def clip_title(text: str) -> str:
    return " ".join(text.split())[:_TITLE_LIMIT]


def clip_text(text: str) -> str:
    return text[:_TEXT_LIMIT]
