"""Proof of who sent a webhook: a shared token, however it can be sent, or the source's own scheme over the body."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from core.integrations import pagerduty_events
from core.integrations.normal import NotUnderstood, read_json

_CLOCKS_DIFFER = 300  # Seconds that a signed time may be away from ours.
_ROUTING_KEY = re.compile(rb'("routing_key"\s*:\s*)"[^"]*"')


def offered_tokens(headers: Mapping[str, str], query: Mapping[str, str]) -> list[str]:
    """The tokens that a request shows: bearer, the password of HTTP basic, ``X-Deskbell-Token``, ``?token=``."""
    offered: list[str] = []
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        offered.append(value.strip())
    elif scheme.lower() == "basic":
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            offered.append(base64.b64decode(value, validate=True).decode().partition(":")[2])
    for own in (headers.get("X-Deskbell-Token"), query.get("token")):
        if own:
            offered.append(own)
    return offered


def proves(offered: list[str], token: str) -> bool:
    """Whether one of the offered tokens is the right one, compared in constant time."""
    right = token.encode()
    matches = [hmac.compare_digest(given.encode("utf-8", "surrogatepass"), right) for given in offered]
    return any(matches)


def proves_by_body(kind: str, headers: Mapping[str, str], body: bytes, token: str, now: datetime) -> bool:
    """Whether the body itself shows that its sender knows the token, in the way that this kind of source has for it."""
    return kind in _BY_BODY and _BY_BODY[kind](headers, body, token, now)


def without_routing_key(body: bytes) -> bytes:
    """An event of PagerDuty's without the secret in it, which is not to be kept."""
    return _ROUTING_KEY.sub(rb'\1""', body)


def _grafana(headers: Mapping[str, str], body: bytes, token: str, now: datetime) -> bool:
    """HMAC-SHA256 of the body in hexadecimal digits, with the time before it where the contact point sends that.
    https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
    """
    signature, stamp = headers.get("X-Grafana-Alerting-Signature"), headers.get("X-Grafana-Alerting-Timestamp")
    if not signature:
        return False
    if stamp is not None:
        if not stamp.isdigit() or abs(now.timestamp() - int(stamp[:12])) > _CLOCKS_DIFFER:
            return False
        body = stamp.encode() + b":" + body
    right = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.lower().encode("utf-8", "surrogatepass"), right.encode())


def _splunk_observability(headers: Mapping[str, str], body: bytes, token: str, now: datetime) -> bool:
    """HMAC-SHA256 of the body in base64."""
    signature = headers.get("X-SFX-Signature", "")
    right = base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), right)


def _pagerduty(headers: Mapping[str, str], body: bytes, token: str, now: datetime) -> bool:
    """The routing key in the event."""
    try:
        given = pagerduty_events.routing_key(read_json(body))
    except NotUnderstood:
        return False
    return given is not None and proves([given], token)


_BY_BODY: dict[str, Callable[[Mapping[str, str], bytes, str, datetime], bool]] = {
    "grafana": _grafana,
    "splunk": _splunk_observability,
    "pagerduty_events": _pagerduty,
}
PROVED_BY_BODY = frozenset(_BY_BODY)
