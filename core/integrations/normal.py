"""What every source's normaliser returns, and the small decisions that they share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from core.model import Alert, Problem, Signal

_BOM = b"\xef\xbb\xbf"
_NUL = b"\\u0000"
_REPLACEMENT = b"\\ufffd"
# Half of a surrogate pair: what is left of an emoji when a sender cuts its text by UTF-16 units.
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_decode = msgspec.json.Decoder().decode
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
    nothing to do. ``received`` counts the messages in the delivery, understood or not. ``signals`` are what the source
    says besides."""

    alerts: tuple[Alert, ...]
    received: int
    problem: Problem | None = None
    ignored: str | None = None
    signals: tuple[Signal, ...] = ()


def storable(body: bytes) -> bytes:
    """A JSON body without a byte order mark, and with U+FFFD for NUL, which no database takes in a text."""
    if body.startswith(_BOM):
        body = body[len(_BOM) :]
    return body.replace(_NUL, _REPLACEMENT) if _NUL in body else body


def read_json(body: bytes) -> Any:
    """The value of a JSON body; half characters are read as U+FFFD. Raises ``NotUnderstood``."""
    try:
        return _decode(body)
    except RecursionError as error:
        raise NotUnderstood("not_json", "the body is nested too deeply") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        mended = _LONE_SURROGATE.sub(lambda _: _REPLACEMENT, body)
        if mended != body:
            return read_json(mended)
        raise NotUnderstood("not_json", f"the body is not JSON: {error}" if body else "the body is empty") from error


def kind_of(value: Any) -> str:
    """What a JSON value is, in words for the operator."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def utc(moment: datetime) -> datetime | None:
    """The moment in UTC; one without a zone is UTC. None for one beyond the calendar."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


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
