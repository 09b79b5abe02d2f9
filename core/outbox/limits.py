"""How fast a place may be told: token buckets, one per channel and one per method, by the platforms' published
limits."""

from __future__ import annotations

import msgspec


class Limit(msgspec.Struct, frozen=True):
    """``rate`` messages a second in the long run, ``burst`` at once."""

    rate: float
    burst: int


# Slack: one message a second and channel with short bursts; chat.update is a tier 3 method, 50 a minute.
# https://docs.slack.dev/apis/web-api/rate-limits
# Teams: 7 in 1 s and 60 in 30 s to a conversation, edits included.
# https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
SLACK_POST = Limit(1.0, 3)
SLACK_EDIT = Limit(50 / 60, 20)
TEAMS_CONVERSATION = Limit(1.75, 7)


class Bucket:
    """Times are seconds of a monotonic clock."""

    def __init__(self, limit: Limit, now: float) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._at = now
        self._closed_until = 0.0

    def wait(self, now: float) -> float:
        """Seconds until one message may go; 0.0 for at once."""
        self._refill(now)
        missing = 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._limit.rate
        return max(missing, self._closed_until - now, 0.0)

    def take(self, now: float) -> None:
        self._refill(now)
        self._tokens -= 1

    def close(self, until: float) -> None:
        """The platform said to wait."""
        self._closed_until = max(self._closed_until, until)

    def _refill(self, now: float) -> None:
        self._tokens = min(float(self._limit.burst), self._tokens + (now - self._at) * self._limit.rate)
        self._at = now
