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
ALERTMANAGER_FIELDS = (
    "alerts", "status", "labels", "annotations", "startsAt", "endsAt", "fingerprint", "title", "id", "host", "severity",
)  # fmt: skip
SHAPED = st.recursive(
    st.one_of(JSON, st.sampled_from(["firing", "resolved", "2026-03-02T12:00:00Z", "9999-12-31T23:59:59-14:00", 1e12])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(ALERTMANAGER_FIELDS), inner, max_size=6)
    ),
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
    assert found.alerts or found.problem or found.ignored
    for alert in found.alerts:
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
