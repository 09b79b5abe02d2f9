"""Proof of who sent a webhook, for sources without a scheme of their own: a shared token, however it can be sent."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
from collections.abc import Mapping


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
