"""The HTTP API, through real HTTP. Every answer is also held against the published OpenAPI document."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from core.lifecycle import MOVES
from core.model import Status
from tests.running_service import Running
from tests.test_intake import alert, webhook

# The ticket of the published contract, field by field.
TICKET_FIELDS = {
    "id", "version", "title", "description", "category", "priority", "status", "requester", "assignee", "team",
    "customer", "affected_users", "business_impact", "systems", "source", "alerts", "external_references", "parent",
    "requires_code_fix", "affected_repository", "customer_satisfaction_required", "satisfaction",
    "satisfaction_comment", "sla", "why",
    "created_at", "updated_at", "resolved_at",
}  # fmt: skip
SLA_FIELDS = {"first_response_due", "resolution_due", "remaining", "breach_risk", "state"}

# tickets


async def test_a_ticket_has_the_fields_of_the_contract(service: Running) -> None:
    ticket = await service.opened()
    assert ticket.keys() >= TICKET_FIELDS
    assert ticket["sla"].keys() == SLA_FIELDS
    assert (ticket["id"], ticket["version"], ticket["status"], ticket["source"]) == (1, 1, "new", "api")
    assert ticket["created_at"] == "2026-03-02T12:00:00Z"
    assert (await service.api("GET", "/tickets/1")).json == ticket


async def test_everything_that_is_given_is_kept(service: Running) -> None:
    given: dict[str, Any] = {
        "title": "결제가 되지 않습니다",
        "description": "모든 카드가 거절됩니다.\n<b>urgent</b> <!channel>",
        "category": "outage",
        "priority": "critical",
        "business_impact": "no revenue",
        "affected_users": 1200,
        "systems": ["payment-api", "payment-api", "db"],
        "team": "net",
        "requires_code_fix": True,
        "affected_repository": "example/payments",
        "customer_satisfaction_required": True,
        "external_references": {"jira_issue_key": "PAY-1"},
    }
    ticket = await service.opened(customer="Acme", requester="kim", **given)
    assert {name: ticket[name] for name in given} == {**given, "systems": ["payment-api", "db"]}
    assert ticket["customer"] == {"name": "Acme", "tier": "vip"}
    assert ticket["requester"] == {"id": "kim", "name": "Kim Minji"}


async def test_the_tier_of_a_customer_can_be_given(service: Running) -> None:
    ticket = await service.opened(customer={"name": "Globex", "tier": "gold"})
    assert ticket["customer"] == {"name": "Globex", "tier": "gold"}


async def test_an_assignee_is_a_known_person_or_taken_by_name(service: Running) -> None:
    for given, person in (
        ("kim", {"id": "kim", "name": "Kim Minji"}),
        ("kim@example.com", {"id": "kim", "name": "Kim Minji"}),
        ("kim minji", {"id": "kim", "name": "Kim Minji"}),
        ("Lee Jiwon", {"id": "Lee Jiwon", "name": "Lee Jiwon"}),
        ("  Park  ", {"id": "Park", "name": "Park"}),
        ({"id": "u9", "name": "Choi"}, {"id": "u9", "name": "Choi"}),
        ({"id": "u9"}, {"id": "u9", "name": "u9"}),
    ):
        answer = await service.do(await service.opened(), "assign", {"assignee": given})
        assert (answer.status, answer.json["assignee"], answer.json["status"]) == (200, person, "assigned"), given


async def test_a_ticket_that_is_not_there_is_404(service: Running) -> None:
    await service.opened()
    for number in ("2", "0", "-1", "abc", "9223372036854775807", "9223372036854775808", "1" * 5000):
        for method, path in (("GET", ""), ("GET", "/timeline"), ("GET", "/deliveries"), ("POST", "/start")):
            assert (await service.api(method, f"/tickets/{number}{path}")).status == 404


# moves

BODIES: dict[str, Any] = {
    "assign": {"assignee": "kim"},
    "prioritize": {"priority": "high"},
    "note": {"text": "seen"},
    "rate": {"score": 4},
    "wait": {"reason": "vendor"},
    "escalate": {"reason": "no idea"},
    "resolve": {"resolution": "rebooted"},
    "expert": {"expert": "kim"},
}
WAYS = {
    Status.NEW: (),
    Status.ASSIGNED: ("assign",),
    Status.IN_PROGRESS: ("start",),
    Status.WAITING: ("wait",),
    Status.RESOLVED: ("resolve",),
    Status.CLOSED: ("resolve", "close"),
}
VERBS = ("assign", "start", "wait", "escalate", "prioritize", "note", "expert", "resolve", "reopen", "close")


async def test_each_move_is_made_or_refused_as_the_lifecycle_says(service: Running) -> None:
    for status, verb in itertools.product(Status, VERBS):
        ticket = await service.opened()
        for step in WAYS[status]:
            assert (await service.do(ticket, step, BODIES.get(step))).status == 200
        before = (await service.api("GET", f"/tickets/{ticket['id']}")).json
        answer = await service.do(ticket, verb, BODIES.get(verb))
        after = (await service.api("GET", f"/tickets/{ticket['id']}")).json
        if verb in MOVES[status]:
            assert (answer.status, answer.json) == (200, after)
        else:
            assert (answer.status, answer.error["code"]) == (409, "illegal_move")
            assert answer.error["legal"] == list(MOVES[status])
            assert after == before


async def test_a_change_grows_the_version_and_the_tag_by_one(service: Running) -> None:
    ticket = await service.opened()
    answer = await service.do(ticket, "start")
    assert (answer.json["version"], answer.headers["ETag"]) == (2, '"2"')
    same = await service.do(ticket, "prioritize", {"priority": ticket["priority"]})
    assert same.json["version"] == 2


async def test_a_change_meant_for_this_version_is_made(service: Running) -> None:
    for tag in ("1", '"1"', 'W/"1"', "*"):
        assert (await service.do(await service.opened(), "start", **{"If-Match": tag})).status == 200


async def test_a_change_meant_for_another_version_changes_nothing(service: Running) -> None:
    ticket = (await service.do(await service.opened(), "assign", {"assignee": "lee"})).json
    for verb in VERBS:
        answer = await service.do(ticket, verb, BODIES.get(verb), **{"If-Match": '"1"'})
        assert (answer.status, answer.error["code"]) == (409, "ticket_changed")
        assert (answer.error["expected"], answer.error["version"]) == (1, 2)
    assert (await service.api("GET", "/tickets/1")).json == ticket


async def test_a_version_that_is_no_number_is_422(service: Running) -> None:
    ticket = await service.opened()
    for tag in ("one", '"', "-1", "1" * 30, "²"):
        answer = await service.do(ticket, "start", **{"If-Match": tag})
        assert (answer.status, answer.error["field"]) == (422, "If-Match")


async def test_one_of_many_who_saw_the_same_version_wins(service: Running) -> None:
    ticket = await service.opened()
    names = [f"person{n}" for n in range(10)]
    answers = await asyncio.gather(
        *(service.do(ticket, "assign", {"assignee": name}, **{"If-Match": '"1"'}) for name in names)
    )
    assert sorted(answer.status for answer in answers) == [200] + [409] * 9
    assert (await service.api("GET", "/tickets/1")).json["version"] == 2


async def test_merging_moves_the_alerts_and_splitting_gives_them_a_ticket(service: Running) -> None:
    await service.hook(webhook(alert("a"), alert("b")))
    merged = await service.api("POST", "/tickets/1/merge", {"into": 2})
    assert (merged.json["status"], merged.json["parent"]) == ("closed", 2)
    target = (await service.api("GET", "/tickets/2")).json
    assert {one["fingerprint"] for one in target["alerts"]} == {"a", "b"}
    split = await service.api("POST", "/tickets/2/split", {"alerts": ["a"]})
    assert [one["fingerprint"] for one in split.json["alerts"]] == ["b"]
    assert [one["fingerprint"] for one in (await service.api("GET", "/tickets/3")).json["alerts"]] == ["a"]


SENSELESS: tuple[tuple[str, Any, int], ...] = (
    ("merge", {"into": 1}, 422),
    ("merge", {"into": 99}, 404),
    ("merge", {"into": 2}, 422),
    ("merge", {"into": 10**30}, 422),
    ("merge", {}, 422),
    ("split", {"alerts": ["nope"]}, 404),
    ("split", {"alerts": ["a"]}, 422),
    ("split", {"alerts": []}, 422),
    ("rate", {"score": 6}, 422),
    ("note", {"text": "  "}, 422),
    ("note", {}, 422),
    ("assign", {"assignee": " "}, 422),
    ("prioritize", {"priority": "urgent"}, 422),
    ("start", {"now": True}, 422),
)


async def test_a_value_that_makes_no_sense_is_refused_and_changes_nothing(service: Running) -> None:
    await service.hook(webhook(alert("a")))
    closed = await service.opened()
    for step in ("resolve", "close"):
        await service.do(closed, step)
    before = (await service.api("GET", "/tickets/1")).json
    for verb, body, status in SENSELESS:
        assert (await service.api("POST", f"/tickets/1/{verb}", body)).status == status, (verb, body)
    assert (await service.api("GET", "/tickets/1")).json == before
