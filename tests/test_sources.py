"""Normalisers: a recorded case comes out as written down, and whatever comes in, only ``NotUnderstood`` is raised."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config.settings import AlertSettings, SourceSettings
from core.desk.desk import Desk
from core.integrations import BUILT_IN, SOURCES
from core.integrations.normal import Normalised, NotUnderstood
from core.model import RawDelivery
from tests.conftest import NOON
from tests.source_cases import CASES, outcome, read_case
from tests.test_api_fuzz import JSON

RECORDED = Path(__file__).parents[2] / "shared" / "fixtures" / "monitoring" / "alertmanager"
SETTINGS = AlertSettings()
MAPPED = SourceSettings(
    mapping={  # type: ignore[arg-type]  # pydantic reads it
        "alerts": "alerts || @", "title": "title || summary || @", "fingerprint": "id", "status": "status",
        "severity": "severity", "host": "host", "service": "service", "started_at": "startsAt", "ended_at": "endsAt",
        "url": "url", "labels": "labels", "description": "description",
    }
)  # fmt: skip
FIELDS = (
    "alerts", "status", "labels", "annotations", "startsAt", "endsAt", "fingerprint", "title", "id", "host", "severity",
    "NOTIFICATIONTYPE", "HOSTNAME", "SERVICEDESC", "SERVICESTATE", "HOSTSTATE", "macros", "tags", "event_id", "message",
    "event_value", "event_update_status", "event_update_action", "event_tags", "event_age", "event_name", "sensorid",
    "transition", "monitor_id", "scope", "alert", "ruleId", "state", "evalMatches", "result", "search_name", "sid",
    "incidentId", "rule", "watch_id", "ctx", "monitor", "trigger", "rule_name", "specversion", "type", "source", "time",
    "subject", "data", "data_base64", "event_action", "dedup_key", "payload", "summary", "custom_details",
    "actionGroup",
)  # fmt: skip
WORDS = (
    "firing", "resolved", "2026-03-02T12:00:00Z", "9999-12-31T23:59:59-14:00", 1e12, "PROBLEM", "DOWNTIMEEND",
    "CRITICAL", "OK", "1", "0", "2026.03.02", "1d 2h", "acknowledged and closed", "Down (Acknowledged)", "Up",
    "Triggered", "alerting", "recovered", "anomalous", "trigger", "resolve", "1.0", "a.b.firing",
    "[P1] [Recovered on {host:a}] x",
    "$HOSTNAME$",
    "{EVENT.ID}", "%sensor", "{{rule.id}}", "\\u0000",
    "eyJhIjogIlx1MDAwMCJ9", "7", '[{"tag": "a", "value": "\\u0000"}]',
)  # fmt: skip
SHAPED = st.recursive(
    st.one_of(JSON, st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)),
    max_leaves=12,
)


def normalise(kind: str, body: bytes, source: SourceSettings) -> Normalised:
    """What comes of a body; a problem alone where it was not understood."""
    try:
        found = SOURCES[kind](RawDelivery("x", body, "application/json", {}, NOON), source, SETTINGS)
    except NotUnderstood as refusal:
        found = Normalised((), 0, refusal.problem)
    if found.problem is not None:
        assert found.problem.code
        assert found.problem.message
    assert found.alerts or found.signals or found.problem or found.ignored
    for alert in (*found.alerts, *(signal.alert for signal in found.signals)):
        assert alert.title.strip()
        assert 0 < len(alert.fingerprint) <= 200
        assert alert.started_at.utcoffset() is not None
    assert "\\u0000" not in msgspec.json.encode(found).decode()
    return found


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recorded_case_comes_out_as_written_down(path: Path) -> None:
    case = read_case(path)
    assert outcome(case) == case["expected"]


def test_every_source_has_cases_and_every_case_a_name_of_event_and_detail() -> None:
    assert {path.parent.name for path in CASES} >= SOURCES.keys()
    assert [path.name for path in CASES if not re.fullmatch(r"[a-z_0-9]+__[a-z_0-9]+\.json", path.name)] == []


@settings(max_examples=50, deadline=None)
@given(value=SHAPED, kind=st.sampled_from(sorted(SOURCES)))
def test_any_json_is_understood_or_refused_with_a_reason(value: Any, kind: str) -> None:
    source = MAPPED if kind == "mapping" else BUILT_IN[kind]
    normalise(kind, json.dumps(value).encode(), source)


@settings(max_examples=40, deadline=None)
@given(body=st.binary(max_size=300), kind=st.sampled_from(sorted(SOURCES)))
def test_any_bytes_are_understood_or_refused_with_a_reason(body: bytes, kind: str) -> None:
    normalise(kind, body, MAPPED if kind == "mapping" else BUILT_IN[kind])


@pytest.mark.filterwarnings("ignore:deprecated string literal syntax")
@settings(max_examples=50, deadline=None)
@given(expression=st.text(st.sampled_from("abc.[]{}()|&@*?!<>=`'\",0123 -:"), max_size=12), value=SHAPED)
def test_any_expression_of_a_mapping_is_applied_or_refused_with_a_reason(expression: str, value: Any) -> None:
    names = ("alerts", "title", "fingerprint", "status", "started_at", "labels")
    source = SourceSettings(mapping={"title": "@", **dict.fromkeys(names, expression)})  # type: ignore[arg-type]
    normalise("mapping", json.dumps(value).encode(), source)


@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
def test_deep_nesting_is_refused_and_harms_nothing(depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"alerts":', b"}")):
        body = opening * depth + b"1" + closing * depth
        for kind in SOURCES:
            normalise(kind, body, MAPPED if kind == "mapping" else BUILT_IN[kind])


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded deliveries of other projects are not here")
async def test_what_other_projects_recorded_becomes_alerts_or_a_dead_letter_with_its_reason(desk: Desk) -> None:
    taken = 0
    for path in sorted(RECORDED.glob("*.json")):
        body = path.read_bytes()
        receipt = await desk.intake.accept(RawDelivery("alertmanager", body, "application/json", {}, NOON))
        assert receipt.tickets or receipt.ignored or receipt.problem, path.name
        if receipt.problem is not None:
            assert receipt.problem.code not in ("internal", ""), path.name
            assert receipt.problem.message, path.name
        taken += bool(receipt.tickets)
    assert taken >= 5


def test_a_fingerprint_of_labels_does_not_depend_on_their_order() -> None:
    labels = {"alertname": "A", "instance": "b", "job": "c"}
    fingerprints = set()
    for order in itertools.permutations(labels.items()):
        body = json.dumps({"alerts": [{"status": "firing", "labels": dict(order)}]}).encode()
        found = normalise("alertmanager", body, BUILT_IN["alertmanager"])
        fingerprints.add(found.alerts[0].fingerprint)
    assert len(fingerprints) == 1


def _changed(value: Any, seed: int) -> Any:
    """The value with one of its parts left out, emptied or made something else."""
    parts: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for name, inner in items:
            parts.append((node, name))
            walk(inner)

    walk(value)
    if parts:
        node, name = parts[seed % len(parts)]
        node[name] = [None, "", "{EVENT.ID}", [], {"a": 1}, -1.5, "x" * 300, "\ud800"][seed // len(parts) % 8]
    return value


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from([path for path in CASES if path.parent.name != "mapping"]), seed=st.integers(0, 10_000))
def test_a_message_with_one_part_spoilt_is_understood_or_refused_with_a_reason(path: Path, seed: int) -> None:
    case = read_case(path)
    if "body" in case:
        body = json.dumps(_changed(case["body"], seed)).encode()
        normalise(case["system"], body, SourceSettings(**case.get("source", {"kind": case["system"]})))
