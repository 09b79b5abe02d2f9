"""What real programs and other projects' tests sent, each message against what must come of it.

``recorded_sources.json`` holds, by the file's name, what a person judged to be right: for an alert its fingerprint,
status, severity, host and title, before those of a signal its kind and author, or the code of the problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from core.config.settings import AlertSettings
from core.integrations import BUILT_IN, SOURCES
from core.integrations.normal import NotUnderstood
from core.model import Alert, RawDelivery
from tests.conftest import NOON

RECORDED = Path(__file__).parents[2] / "shared" / "fixtures" / "monitoring"
EXPECTED = Path(__file__).parent / "recorded_sources.json"
FOLDERS = {
    **{kind: kind for kind in SOURCES if kind not in ("mapping", "pagerduty_events")},
    "captured/alertmanager": "alertmanager",
    "captured/icinga2": "icinga",
    "captured/nagios": "nagios",
    "captured/nagios_json": "nagios",
    "captured/zabbix": "zabbix",
}
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded deliveries of other projects are not here")


def files() -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((RECORDED / folder).iterdir()):
            yield f"{folder}/{path.name}", path


def found(name: str, path: Path) -> list[Any]:
    """What comes of one file, in the words of ``recorded_sources.json``."""
    kind = FOLDERS[name.rpartition("/")[0]]
    try:
        normalised = SOURCES[kind](_delivery(kind, path), BUILT_IN[kind], AlertSettings())
    except NotUnderstood as refusal:
        return [refusal.problem.code]
    said: list[Any] = [_facts(alert) for alert in normalised.alerts]
    said += [[signal.kind.value, signal.by, *_facts(signal.alert)] for signal in normalised.signals]
    if normalised.problem is not None:
        said.append(normalised.problem.code)
    return said or [normalised.ignored]


def _delivery(kind: str, path: Path) -> RawDelivery:
    if path.name.endswith(".http.json"):
        captured = json.loads(path.read_text(encoding="utf-8"))
        headers = dict(captured["headers"])
        at = datetime.fromisoformat(captured["received_at"])
        return RawDelivery(kind, captured["body_text"].encode(), headers.get("Content-Type", ""), headers, at)
    form = path.suffix == ".txt" and kind == "prtg"
    content_type = "application/x-www-form-urlencoded" if form else "application/json"
    return RawDelivery(kind, path.read_bytes(), content_type, {}, NOON)


def _facts(alert: Alert) -> list[Any]:
    return [alert.fingerprint, alert.status.value, alert.severity.value, alert.host, alert.title]


def test_every_recorded_message_becomes_what_it_says_or_a_dead_letter_with_its_reason() -> None:
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    wrong = {name: said for name, path in files() if (said := found(name, path)) != expected.get(name)}
    assert wrong == {}
    assert expected.keys() == {name for name, _ in files()}
