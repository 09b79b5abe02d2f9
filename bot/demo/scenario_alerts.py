"""The monitoring of the little data centre: an Alertmanager and a monitor of the switches, as they really write.

Alertmanager groups by data centre, so that every notification repeats all that is still firing: one failure more, and
the receiver hears of the earlier ones again. Format: https://prometheus.io/docs/alerting/latest/configuration
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

import aiohttp

from bot.demo.slack_records import Json

_EXTERNAL = "http://alertmanager.demo.example:9093"
_PROMETHEUS = "http://prometheus.demo.example:9090"
_NEVER = "0001-01-01T00:00:00Z"
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_SEPARATOR = b"\xff"
_GROUP = {"datacenter": "icn1"}


class Refused(Exception):
    """Deskbell did not take a delivery."""


@dataclass(slots=True)
class Problem:
    """One thing that is broken. ``number`` makes it another one than the same problem of an earlier outage."""

    name: str
    service: str
    number: int
    severity: str
    summary: str
    description: str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None

    @property
    def host(self) -> str:
        return f"{self.service}-{self.number}"

    @property
    def labels(self) -> dict[str, str]:
        return {
            "alertname": self.name,
            "instance": f"{self.host}:9100",
            "job": "node",
            "service": self.service,
            "severity": self.severity,
            **_GROUP,
        }

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.labels)


def fingerprint(labels: dict[str, str]) -> str:
    """Prometheus' own: FNV-1a of 64 bits over the sorted labels, each name and value followed by a byte 255."""
    value = _FNV_OFFSET
    for name in sorted(labels):
        for byte in name.encode() + _SEPARATOR + labels[name].encode() + _SEPARATOR:
            value = ((value ^ byte) * _FNV_PRIME) % 2**64
    return f"{value:016x}"


def webhook(problems: Iterable[Problem]) -> Json:
    """One notification of Alertmanager, webhook version 4, about all problems of the group."""
    alerts = [_alert(problem) for problem in problems]
    return {
        "receiver": "deskbell",
        "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
        "alerts": alerts,
        "groupLabels": _GROUP,
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": _EXTERNAL,
        "version": "4",
        "groupKey": '{}:{datacenter="icn1"}',
        "truncatedAlerts": 0,
    }


def _alert(problem: Problem) -> Json:
    return {
        "status": "resolved" if problem.ended_at else "firing",
        "labels": problem.labels,
        "annotations": {"description": problem.description, "summary": problem.summary},
        "startsAt": _time(problem.started_at),
        "endsAt": _time(problem.ended_at) if problem.ended_at else _NEVER,
        "generatorURL": f"{_PROMETHEUS}/graph?g0.expr={quote(problem.name)}&g0.tab=1",
        "fingerprint": problem.fingerprint,
    }


def _common(maps: list[dict[str, str]]) -> dict[str, str]:
    first, *others = maps or [{}]
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Monitoring:
    """``url`` is Deskbell's address. Each method sends, and raises Refused when Deskbell does not take it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._url, self._token = session, url, token
        self.firing: dict[str, Problem] = {}
        self.switches: dict[str, Problem] = {}

    async def fire(self, problem: Problem) -> None:
        self.firing[problem.fingerprint] = problem
        await self.repeat()

    async def repeat(self) -> None:
        """What a receiver hears again and again while something is broken."""
        if self.firing:
            await self._post("alertmanager", webhook(self.firing.values()))

    async def recover(self, problem: Problem) -> None:
        """A recovery comes together with what is still firing, and once."""
        if self.firing.get(problem.fingerprint) is problem:
            problem.ended_at = datetime.now(UTC)
            await self.repeat()
            self.firing.pop(problem.fingerprint, None)

    async def report(self, switch: Problem) -> None:
        """The monitor of the switches says how one of them is."""
        over = switch.ended_at is not None
        if over:
            self.switches.pop(switch.host, None)
        else:
            self.switches[switch.host] = switch
        await self._post(
            "netwatch",
            {
                "device": switch.host,
                "system": switch.service,
                "state": "up" if over else "down",
                "level": switch.severity,
                "message": switch.summary,
                "detail": switch.description,
                "since": _time(switch.started_at),
            },
        )

    async def recover_all(self) -> None:
        now = datetime.now(UTC)
        for switch in list(self.switches.values()):
            switch.ended_at = now
            await self.report(switch)
        for problem in self.firing.values():
            problem.ended_at = now
        await self.repeat()
        self.firing.clear()

    async def _post(self, source: str, body: Json) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "Alertmanager/0.28.1"}
        address = f"{self._url}/webhooks/{source}"
        try:
            async with self._session.post(address, json=body, headers=headers) as response:
                if response.status != 202:
                    raise Refused(f"{source}: {response.status} {await response.text()}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refused(f"{source}: {error}") from error
