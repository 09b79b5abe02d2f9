"""Storms with known causes, as the correlation sees them: signals, their true causes and the catalogue.

The generator is a program of its own (``--storms``, ``DESKBELL_STORMS``): it makes a catalogue and a stream of
deliveries of Alertmanager, Nagios and Zabbix, each with its cause.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from core.config.catalog import read_catalog
from core.correlation.signal import Signal, signal_of
from core.correlation.topology import System, Topology
from core.model import Alert, AlertStatus, Severity
from core.rules.severity import severity_of


class Heard(NamedTuple):
    """One delivery: its alert's signal, or None for a recovery, and which alert it is or ends."""

    signal: Signal | None
    occurrence: str
    cause: str


class Storm(NamedTuple):
    topology: Topology
    heard: list[Heard]


class Generator:
    def __init__(self, path: Path) -> None:
        spec = importlib.util.spec_from_file_location("storm_generator", path)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(path)
        self._module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)

    def storm(self, seed: int, services: int, outages: int = 12, hours: float = 3.0) -> Storm:
        world, rows = self._module.storm(seed, services, outages, hours)
        return Storm(topology_of(world.catalog()), list(_heard(rows)))


def services_of(seed: int) -> int:
    """20 services for seed 1 to 200 for seed 20, and on like this."""
    return 20 + (seed - 1) % 20 * 180 // 19


def topology_of(catalogue: str) -> Topology:
    return Topology(System(s.name, s.depends_on, s.hosts, s.team) for s in read_catalog(catalogue))


def _heard(rows: list[tuple[dict[str, Any], str]]) -> Iterator[Heard]:
    current: dict[str, str] = {}
    for number, (delivery, cause) in enumerate(rows):
        at = datetime.fromisoformat(delivery["at"]).timestamp()
        alert, key = _READERS[delivery["source"]](delivery["body"], datetime.fromisoformat(delivery["at"]))
        if alert.status is AlertStatus.RESOLVED:
            yield Heard(None, current.get(key, str(number)), cause)
            continue
        current[key] = str(number)
        yield Heard(signal_of(alert, str(number), at), str(number), cause)


def _alertmanager(body: dict[str, Any], at: datetime) -> tuple[Alert, str]:
    given = body["alerts"][0]
    labels = given["labels"]
    alert = Alert(
        fingerprint=given["fingerprint"],
        source="alertmanager",
        status=AlertStatus(given["status"]),
        severity=severity_of(labels.get("severity")),
        title=given["annotations"]["summary"],
        started_at=datetime.fromisoformat(given["startsAt"]),
        host=labels["instance"].rsplit(":", 1)[0],
        service=labels["service"],
        labels=labels,
    )
    return alert, f"{given['fingerprint']}@{given['startsAt']}"


def _nagios(body: dict[str, Any], at: datetime) -> tuple[Alert, str]:
    over = body["NOTIFICATIONTYPE"] == "RECOVERY"
    host, output = body["HOSTNAME"], body["HOSTOUTPUT"]
    alert = Alert(
        fingerprint=f"{host}/{body['SERVICEDESC']}/{output.partition(':')[0]}",
        source="nagios",
        status=AlertStatus.RESOLVED if over else AlertStatus.FIRING,
        severity=Severity.CRITICAL,
        title=output,
        started_at=at,
        host=host,
    )
    return alert, alert.fingerprint


def _zabbix(body: dict[str, Any], at: datetime) -> tuple[Alert, str]:
    alert = Alert(
        fingerprint=body["trigger_id"],
        source="zabbix",
        status=AlertStatus.RESOLVED if body["event_value"] == "0" else AlertStatus.FIRING,
        severity=severity_of(body["event_severity"]),
        title=body["event_name"],
        started_at=at,
        host=body["host_name"],
    )
    return alert, body["event_id"]


_READERS = {"alertmanager": _alertmanager, "nagios": _nagios, "zabbix": _zabbix}
