"""Reads a case of ``tests/cases/<system>/<event>__<detail>.json`` and runs it through the system's normaliser.

A case holds ``headers``, the ``body`` (or its text as ``raw``), ``source`` where its configuration matters, and
``expected``: what comes of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from core.config.settings import AlertSettings, SourceSettings
from core.integrations import SOURCES
from core.integrations.normal import NotUnderstood
from core.model import RawDelivery
from tests.conftest import NOON

CASES = sorted((Path(__file__).parent / "cases").glob("*/*.json"))


def read_case(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {"system": path.parent.name, **case}


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """Alerts, problem and so on as JSON, without what is empty."""
    raw = case["raw"].encode() if "raw" in case else json.dumps(case["body"], ensure_ascii=False).encode()
    source = SourceSettings(**case.get("source", {"kind": case["system"]}))
    delivery = RawDelivery(case["system"], raw, case["headers"].get("Content-Type", ""), case["headers"], NOON)
    try:
        normalised = SOURCES[source.kind](delivery, source, AlertSettings())
    except NotUnderstood as error:
        return {"problem": msgspec.to_builtins(error.problem)}
    plain: dict[str, Any] = msgspec.to_builtins(normalised)
    alerts = [_without_empty(alert) for alert in plain.pop("alerts")]
    signals = [_without_empty({**signal, "alert": _without_empty(signal["alert"])}) for signal in plain.pop("signals")]
    return _without_empty({"alerts": alerts, "signals": signals, **plain})


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value not in (None, "", (), {}, [])
    }
