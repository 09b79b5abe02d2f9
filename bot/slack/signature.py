"""Proof that a request comes from Slack: HMAC-SHA256 of ``v0:{timestamp}:{body}`` with the app's signing secret.

Pure, over the raw bytes, before anything is parsed. https://docs.slack.dev/authentication/verifying-requests-from-slack/
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime

TOLERANCE_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class BadSignature(Exception):
    """``code`` says what is wrong with the proof, in a word for the sender's log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The header value that Slack would send."""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={digest.hexdigest()}"


def verify(secret: str, timestamp: str | None, signature: str | None, body: bytes, now: datetime) -> str:
    """Check the two headers against ``body`` and return a key that is unique for this very request.

    Raises BadSignature for missing or malformed headers, a timestamp further than 300 seconds from ``now`` in either
    direction, and a signature that does not fit.
    """
    if not timestamp or not signature:
        raise BadSignature("missing_signature")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise BadSignature("invalid_timestamp")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("expired_timestamp")
    # Bytes, because comparing strings raises TypeError for anything that is not ASCII.
    given = signature.encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(sign(secret, timestamp, body).encode(), given):
        raise BadSignature("invalid_signature")
    return hashlib.sha256(timestamp.encode() + b":" + given).hexdigest()
