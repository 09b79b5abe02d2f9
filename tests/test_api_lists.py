"""Lists of the HTTP API: filters, pages, words, and the records of alerts, events, deliveries and dead letters."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from tests.conftest import MakeService, SetClock
from tests.running_service import Running
from tests.test_intake import alert, webhook

ALERT_FIELDS = {
    "fingerprint", "source", "status", "severity", "host", "service", "title", "description", "labels", "symptoms",
    "started_at", "ended_at", "url", "ticket", "count",
}  # fmt: skip


async def ids(service: Running, query: str) -> list[int]:
    answer = await service.api("GET", f"/tickets?{query}")
    assert answer.status == 200, answer.text
    return [ticket["id"] for ticket in answer.json["items"]]


async def test_filters_and_their_lists(service: Running) -> None:
    await service.opened("one", priority="low", category="question", systems=["db"])
    await service.opened("two", priority="high", assignee="kim")
    await service.opened("three", priority="critical", category="outage", team="net")
    await service.hook(webhook(alert()))
    await service.api("POST", "/tickets/1/resolve")
    wanted = {
        "": [4, 3, 2, 1],
        "status=open": [4, 3, 2],
        "status=new": [4, 3],
        "status=assigned,resolved": [2, 1],
        "status=assigned&status=resolved": [2, 1],
        "status=open,resolved": [4, 3, 2, 1],
        "status=": [4, 3, 2, 1],
        "priority=low,high": [2, 1],
        "priority=critical&status=new": [4, 3],
        "category=outage": [3],
        "assignee=kim": [2],
        "assignee=Kim+Minji": [2],
        "assignee=nobody": [],
        "source=alertmanager": [4],
        "source=api": [3, 2, 1],
        "system=db": [1],
        "team=net": [3],
        "limit=2": [4, 3],
    }
    assert {query: await ids(service, query) for query in wanted} == wanted


async def test_an_unknown_filter_value_is_422_with_the_choices(service: Running) -> None:
    for query, field, choice in (
        ("status=done", "status", "open"),
        ("status=new,done", "status", "waiting"),
        ("priority=urgent", "priority", "high"),
        ("category=incident,outage", "category", "change"),
    ):
        answer = await service.api("GET", f"/tickets?{query}")
        assert (answer.status, answer.error["field"]) == (422, field)
        assert choice in answer.error["choices"]


async def test_a_page_that_cannot_be_is_422(service: Running) -> None:
    for query in ("limit=0", "limit=1001", "limit=x", "limit=-1", "limit=%D9%A1", "cursor=x", "cursor=0"):
        assert (await service.api("GET", f"/tickets?{query}")).status == 422, query


async def test_a_query_that_is_not_well_formed_is_400(service: Running) -> None:
    for query in ("colour=red", "limit=1&limit=2", "q=a%00b"):
        assert (await service.api("GET", f"/tickets?{query}")).status == 400, query


async def test_pages_are_complete_and_stay_so_while_tickets_come(service: Running) -> None:
    for n in range(25):
        await service.opened(f"ticket {n}")
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = (await service.api("GET", f"/tickets?limit=7&cursor={cursor}")).json
        found += [ticket["id"] for ticket in answer["items"]]
        cursor = answer["next_cursor"]
        await service.opened("newer")
    assert found == list(range(25, 0, -1))


async def test_words_are_found_at_once_in_english_and_korean(service: Running) -> None:
    await service.opened("Database replication lags", description="on db-01")
    await service.opened("결제 서버 장애", description="카드 승인이 되지 않음")
    wanted = {
        "q=database": [1],
        "q=repl+lag": [1],
        "q=DB": [1],
        "q=%EA%B2%B0%EC%A0%9C": [2],  # 결제
        "q=%EC%B9%B4%EB%93%9C+%EC%8A%B9%EC%9D%B8": [2],  # 카드 승인
        "q=%EC%84%9C": [2],  # 서
        "q=base": [],
        "q=%22+OR+1%3D1+--": [],
        "q=NEAR%28": [],
        "q=%2A": [],
    }
    assert {query: await ids(service, query) for query in wanted} == wanted


# alerts, events, deliveries, figures


async def test_alerts_are_listed_with_their_ticket(service: Running, clock: SetClock) -> None:
    await service.hook(webhook(alert("a"), alert("b", severity="warning")))
    clock.advance(minutes=1)
    await service.hook(webhook(alert("a", status="resolved", ended=clock.now())))
    everything = (await service.api("GET", "/alerts")).json["items"]
    assert [one["fingerprint"] for one in everything] == ["b", "a"]
    assert everything[0].keys() >= ALERT_FIELDS
    assert (everything[1]["ticket"], everything[1]["ended_at"]) == (1, "2026-03-02T12:01:00Z")
    for query, wanted in {
        "status=firing": ["b"], "status=resolved": ["a"], "source=alertmanager": ["b", "a"], "source=x": [],
        "fingerprint=a": ["a"], "ticket=2": ["b"],
    }.items():  # fmt: skip
        found = (await service.api("GET", f"/alerts?{query}")).json["items"]
        assert [one["fingerprint"] for one in found] == wanted, query
    first = (await service.api("GET", "/alerts?limit=1")).json
    second = (await service.api("GET", f"/alerts?limit=1&cursor={first['next_cursor']}")).json
    assert [page["items"][0]["fingerprint"] for page in (first, second)] == ["b", "a"]
    assert second["next_cursor"] is None
    assert (await service.api("GET", "/alerts?status=acknowledged")).status == 422


async def test_events_are_read_on_from_where_a_reader_stands(service: Running) -> None:
    await service.hook(webhook(alert("a")))
    await service.opened()
    everything = (await service.api("GET", "/events")).json
    assert [event["type"] for event in everything["items"]] == ["ticket.created", "alert.fired", "ticket.created"]
    assert everything["next"] == everything["items"][-1]["seq"]
    alerts = (await service.api("GET", "/events?stream=monitoring.alerts")).json["items"]
    assert [event["type"] for event in alerts] == ["alert.fired"]
    read, after = [], 0
    while page := (await service.api("GET", f"/events?after={after}&limit=2")).json["items"]:
        read += page
        after = page[-1]["seq"]
    assert read == everything["items"]
    assert (await service.api("GET", f"/events?after={after}")).json == {"items": [], "next": after}
    assert (await service.api("GET", "/events?stream=nope")).status == 422


async def test_the_story_of_a_ticket_names_who_did_what(service: Running) -> None:
    ticket = await service.opened()
    await service.do(ticket, "note", {"text": "seen"})
    story = (await service.api("GET", "/tickets/1/timeline")).json["items"]
    assert [(event["type"], event["actor"]["id"], event["origin"]) for event in story] == [
        ("ticket.created", "api", "api"),
        ("ticket.noted", "api", "api"),
    ]
    assert story[1]["data"]["text"] == "seen"
    later = await service.api("GET", f"/tickets/1/timeline?after={story[0]['seq']}")
    assert later.json["items"] == story[1:]


async def test_deliveries_of_a_ticket_are_listed_with_every_attempt(make_service: MakeService) -> None:
    nobody_there = {"bot_token": "xoxb-1", "signing_secret": "s", "api_url": "http://127.0.0.1:9/"}
    service: Running = await make_service(slack=nobody_there, audiences={"desk": ["slack:#it-support", "teams:19:x"]})
    await service.opened()

    async def settled() -> dict[str, Any]:
        while True:
            items = (await service.api("GET", "/tickets/1/deliveries")).json["items"]
            if len(items) == 2 and items[0]["attempts"]:
                return {item["to"]: item for item in items}
            await asyncio.sleep(0.02)

    told = await asyncio.wait_for(settled(), 10)
    tried = told["#it-support"]
    assert (tried["platform"], tried["show"], tried["rule"], tried["state"]) == (
        "slack",
        "card",
        "ticket_card",
        "waiting",
    )
    assert tried["attempts"][0]["outcome"] == "retry"
    assert tried["attempts"][0]["reason"]
    assert (told["19:x"]["state"], told["19:x"]["attempts"]) == ("skipped", [])


async def test_figures_count_tickets_by_status_and_priority(service: Running, clock: SetClock) -> None:
    for priority in ("low", "high", "high"):
        await service.opened(priority=priority)
    clock.advance(minutes=10)
    await service.api("POST", "/tickets/1/resolve")
    await service.hook(b"not json")
    stats = (await service.api("GET", "/stats")).json
    assert stats["tickets"] == {"by_status": {"new": 2, "resolved": 1}, "open_by_priority": {"high": 2}}
    assert stats["resolved"] == {"count": 1, "mean_seconds": 600}
    assert stats["dead_letters"] == 1


async def test_ratings_of_the_last_month_are_counted_by_team_each_ticket_once(
    service: Running, clock: SetClock
) -> None:
    assert (await service.api("GET", "/stats")).json["satisfaction"] == {
        "days": 30, "count": 0, "mean": None, "low_share": None, "teams": {},
    }  # fmt: skip
    for number, (team, score) in enumerate([("ops", 5), ("ops", 2), (None, 4)], 1):
        await service.opened(**({"team": team} if team else {}))
        await service.api("POST", f"/tickets/{number}/resolve")
        await service.api("POST", f"/tickets/{number}/rate", {"score": score, "comment": "so"})
    rated = (await service.api("POST", "/tickets/1/rate", {"score": 4})).json
    assert (rated["satisfaction"], rated["satisfaction_comment"]) == (4, None)
    shown = (await service.api("GET", "/stats")).json["satisfaction"]
    assert shown == {
        "days": 30, "count": 3, "mean": 3.33, "low_share": 0.3333, "teams": {
            "": {"count": 1, "mean": 4.0, "low_share": 0.0},
            "ops": {"count": 2, "mean": 3.0, "low_share": 0.5},
        },
    }  # fmt: skip
    clock.advance(days=31)
    assert (await service.api("GET", "/stats")).json["satisfaction"]["count"] == 0


async def test_times_are_utc_and_durations_seconds(service: Running) -> None:
    ticket = await service.opened(priority="critical")
    assert ticket["sla"]["resolution_due"] == "2026-03-02T16:00:00Z"
    assert (ticket["sla"]["remaining"], ticket["sla"]["state"]) == (4 * 3600, "running")


# dead letters


async def test_a_dead_letter_is_replayed_once_its_mapping_is_mended(make_service: MakeService) -> None:
    def uptime(title: str) -> Any:
        return {"uptime": {"kind": "mapping", "mapping": {"alerts": "checks[]", "title": title}}}

    broken: Running = await make_service(sources=uptime("nam["))
    sent = await broken.hook(orjson.dumps({"checks": [{"name": "web is down"}]}), "uptime")
    assert (sent.status, sent.json["problem"]["code"]) == (202, "bad_mapping")
    mended: Running = await make_service(sources=uptime("name"))
    (letter,) = (await mended.api("GET", "/dead-letters")).json["items"]
    assert (letter["source"], letter["problem"]["code"]) == ("uptime", "bad_mapping")
    again = await broken.api("POST", f"/dead-letters/{letter['id']}/replay")
    assert again.json["problem"]["code"] == "bad_mapping"
    replayed = await mended.api("POST", f"/dead-letters/{letter['id']}/replay")
    assert (replayed.status, replayed.json["tickets"]) == (200, [1])
    assert (await mended.api("GET", "/tickets/1")).json["title"] == "web is down"
    assert (await mended.api("GET", "/dead-letters")).json["items"] == []
    assert (await mended.api("POST", f"/dead-letters/{letter['id']}/replay")).status == 404


async def test_dead_letters_are_paged(service: Running) -> None:
    for _ in range(5):
        await service.hook(b"{")
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await service.api("GET", f"/dead-letters?limit=2&cursor={cursor}")).json
        found += [letter["id"] for letter in page["items"]]
        cursor = page["next_cursor"]
    assert found == [5, 4, 3, 2, 1]
