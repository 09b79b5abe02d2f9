"""What Prometheus may know: counts and times, labelled by route, source, platform and outcome, never by id."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One registry for one service, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = {"registry": self.registry, "namespace": "deskbell"}
        self.requests = Counter("http_requests", "Requests answered", ("route", "status"), **own)
        self.request_seconds = Histogram(
            "http_request_seconds", "Time to answer a request", ("route",), buckets=_FAST, **own
        )
        self.deliveries = Counter("webhook_deliveries", "Webhook deliveries", ("source", "outcome"), **own)
        self.alerts = Counter("webhook_alerts", "Messages in webhook deliveries", ("source",), **own)
        self.notices = Counter("notice_attempts", "Attempts to hand a notice over", ("platform", "outcome"), **own)
        self.notice_seconds = Histogram(
            "notice_attempt_seconds", "Time of an attempt to hand a notice over", ("platform",), buckets=_FAST, **own
        )
        self.tickets_open = Gauge("tickets_open", "Open tickets", ("priority",), **own)
        self.notices_waiting = Gauge("notices_waiting", "Notices that wait to be handed over", **own)
        self.dead_letters = Gauge("dead_letters", "Deliveries that were not understood", **own)
        self.database_ready = Gauge("database_ready", "1 while the database takes writes", **own)

    def observe_notice(self, platform: str, outcome: str, seconds: float) -> None:
        self.notices.labels(platform, outcome).inc()
        self.notice_seconds.labels(platform).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)
