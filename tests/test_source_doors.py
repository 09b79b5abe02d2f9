"""What is special at the doors of some sources: handshakes, signatures, answers; through real HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson
import pytest

from core.integrations import BUILT_IN
from tests.running_service import WEBHOOK_TOKEN, Running
from tests.source_cases import CASES, read_case
from tests.test_webhooks import stored

EVENT: dict[str, Any] = {
    "event_action": "trigger",
    "payload": {"summary": "Disk is full", "source": "db-1", "severity": "critical"},
}
KEY = WEBHOOK_TOKEN.encode()


def digest(body: bytes) -> Any:
    return hmac.new(KEY, body, hashlib.sha256)


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
async def test_every_built_in_source_has_its_door(service: Running, kind: str) -> None:
    case = read_case(next(path for path in CASES if path.parent.name == kind and path.name.startswith(FIRST[kind])))
    body = case["raw"].encode() if "raw" in case else orjson.dumps(case["body"])
    answer = await service.hook(body, kind, **case["headers"])
    assert (answer.status, answer.json["received"], "problem" in answer.json) == (
        202,
        case["expected"]["received"],
        False,
    )
    assert len(answer.json["tickets"]) == 1


FIRST = {
    "alertmanager": "firing__one_alert", "cloudevents": "firing__binary", "datadog": "triggered__the_template",
    "elastic": "active__kibana", "grafana": "alerting__legacy", "icinga": "problem__a_service",
    "nagios": "problem__a_service", "pagerduty_events": "trigger__everything", "prtg": "down__a_form",
    "splunk": "found__a_row", "zabbix": "problem__local",
}  # fmt: skip


async def test_cloudevents_are_asked_for_before_they_are_sent(service: Running) -> None:
    asked = {"WebHook-Request-Origin": "events.example.com"}
    answer = await service.request("OPTIONS", "/webhooks/cloudevents", headers=asked)
    assert answer.status == 200
    assert answer.headers["WebHook-Allowed-Origin"] == "events.example.com"
    for path, headers in (("/webhooks/cloudevents", {}), ("/webhooks/nagios", asked), ("/webhooks/none", asked)):
        assert (await service.request("OPTIONS", path, headers=headers)).status == 405


async def test_pagerduty_events_get_pagerdutys_answer(service: Running) -> None:
    own = await service.hook(orjson.dumps({**EVENT, "dedup_key": "disk/db-1"}), "pagerduty_events")
    assert {key: own.json[key] for key in ("status", "dedup_key")} == {"status": "success", "dedup_key": "disk/db-1"}
    made = await service.hook(orjson.dumps(EVENT), "pagerduty_events")
    resolve = {"event_action": "resolve", "dedup_key": made.json["dedup_key"]}
    over = await service.hook(orjson.dumps(resolve), "pagerduty_events")
    assert over.json["tickets"] == made.json["tickets"]
    wrong = await service.hook(b"{}", "pagerduty_events")
    assert (wrong.status, wrong.json["problem"]["path"]) == (202, "event_action")
    assert "status" not in wrong.json


async def test_the_routing_key_proves_the_sender_and_is_not_kept(service: Running) -> None:
    async def send(key: Any) -> int:
        body = orjson.dumps({"routing_key": key, **EVENT})
        return (await service.request("POST", "/webhooks/pagerduty_events", data=body)).status

    assert [await send(key) for key in ("wrong", "", None, 7, ["x"])] == [401] * 5
    assert await stored(service) == []
    assert await send(WEBHOOK_TOKEN) == 202
    ((state, body),) = await stored(service)
    assert (state, KEY in body) == ("done", False)


async def test_grafanas_signature_proves_the_sender(service: Running) -> None:
    body = orjson.dumps({"ruleId": 1, "ruleName": "CPU", "state": "alerting"})
    now = int(service.service.desk.clock.now().timestamp())

    async def send(signature: str, stamp: int | None = None) -> int:
        headers = {"X-Grafana-Alerting-Signature": signature}
        if stamp is not None:
            headers["X-Grafana-Alerting-Timestamp"] = str(stamp)
        return (await service.request("POST", "/webhooks/grafana", data=body, headers=headers)).status

    def stamped(at: int) -> str:
        return str(digest(f"{at}:".encode() + body).hexdigest())

    assert await send(digest(body).hexdigest()) == 202
    assert await send(stamped(now), now) == 202
    assert await send(stamped(now - 3600), now - 3600) == 401
    assert await send(digest(body).hexdigest(), now) == 401
    assert await send(digest(body + b" ").hexdigest()) == 401
    assert await send("") == 401


async def test_splunk_observabilitys_signature_proves_the_sender(service: Running) -> None:
    body = orjson.dumps({"incidentId": "E", "status": "anomalous", "rule": "CPU"})
    for signed, status in ((body, 202), (body + b" ", 401)):
        headers = {"X-SFX-Signature": base64.b64encode(digest(signed).digest()).decode()}
        assert (await service.request("POST", "/webhooks/splunk", data=body, headers=headers)).status == status


async def test_a_signature_opens_no_other_door(service: Running) -> None:
    body = orjson.dumps({"alerts": []})
    headers = {"X-Grafana-Alerting-Signature": digest(body).hexdigest()}
    assert (await service.request("POST", "/webhooks/alertmanager", data=body, headers=headers)).status == 401
