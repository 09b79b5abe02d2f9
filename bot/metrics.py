"""What Prometheus may know: counts and times, labelled by route, source, platform and outcome, never by id."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_PREFIX = "deskbell"
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One registry for one service, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("http_requests", "Requests answered", "route", "status")
        self.request_seconds = self._times("http_request_seconds", "Time to answer a request", "route")
        self.deliveries = self._counter("webhook_deliveries", "Webhook deliveries", "source", "outcome")
        self.alerts = self._counter("webhook_alerts", "Messages in webhook deliveries", "source")
        self.notices = self._counter("notice_attempts", "Attempts to hand a notice over", "platform", "outcome")
        self.notice_seconds = self._times("notice_attempt_seconds", "Time of an attempt to tell", "platform")
        self.tickets_open = self._gauge("tickets_open", "Open tickets", "priority")
        self.notices_waiting = self._gauge("notices_waiting", "Notices that wait to be handed over")
        self.ratings = self._gauge("ratings", "Ratings given in the last 30 days", "team")
        self.rating_mean = self._gauge("rating_mean", "Mean of these ratings, 1 to 5", "team")
        self.rating_low_share = self._gauge("rating_low_share", "Share of 1 and 2 among these ratings", "team")
        self.dead_letters = self._gauge("dead_letters", "Deliveries that were not understood")
        # Looking a label up costs more than counting; both kinds are few: routes and sources, not what senders choose.
        self._of_route = cache(
            lambda route, status: (self.requests.labels(route, str(status)), self.request_seconds.labels(route))
        )
        self._of_source = cache(
            lambda source, outcome: (self.deliveries.labels(source, outcome), self.alerts.labels(source))
        )
        self.database_ready = self._gauge("database_ready", "1 while the database takes writes")

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self.registry, namespace=_PREFIX)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry, namespace=_PREFIX)

    def _times(self, name: str, about: str, *labels: str) -> Histogram:
        return Histogram(name, about, labels, registry=self.registry, namespace=_PREFIX, buckets=_SECONDS)

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        counted, timed = self._of_route(route, status)
        counted.inc()
        timed.observe(seconds)

    def observe_delivery(self, source: str, outcome: str, received: int) -> None:
        delivered, alerts = self._of_source(source, outcome)
        delivered.inc()
        alerts.inc(received)

    def observe_notice(self, platform: str, outcome: str, seconds: float) -> None:
        self.notices.labels(platform, outcome).inc()
        self.notice_seconds.labels(platform).observe(seconds)

    def set_ratings(self, by_team: Mapping[str, Mapping[str, Any]]) -> None:
        """What ``core.store.ratings.summary`` says of each team; a team without a rating has no figures."""
        gauges = {"count": self.ratings, "mean": self.rating_mean, "low_share": self.rating_low_share}
        for name, gauge in gauges.items():
            gauge.clear()
            for team, figures in by_team.items():
                gauge.labels(team).set(figures[name])

    def text(self) -> bytes:
        return generate_latest(self.registry)
