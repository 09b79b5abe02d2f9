"""The console over real HTTP: what a page shows and never runs, and the moves that are made from it."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from urllib.parse import urlencode

import pytest

from bot.console.tickets import MOVES
from core.commands import Note, Open
from core.desk.work import API
from core.lifecycle import MOVES as LIFECYCLE
from core.model import DESKBELL, Event, Priority, Status
from tests.conftest import NOON, MakeService
from tests.console_browser import Browser, Tags, signed_in, token_of
from tests.running_service import OFFICE, Running
from tests.test_intake import alert, webhook

HOSTILE = "<script>alert(1)</script> {{ 7*7 }} \"'><img src=x onerror=alert(1)> <!channel> \u202egnp.exe"


@pytest.fixture
async def browser(service: Running) -> Browser:
    return await signed_in(service)


# what pages show


async def test_user_text_is_shown_and_never_run(service: Running, browser: Browser) -> None:
    labels = dict.fromkeys(("alertname", "instance", "service", "team", "severity"), HOSTILE)
    annotations = {"summary": HOSTILE, "description": HOSTILE}
    odd = {"labels": labels, "annotations": annotations, "generatorURL": "javascript:alert(1)"}
    await service.hook(webhook(alert("a") | odd))
    texts = ("description", "customer", "business_impact", "assignee", "affected_repository", "team", "requester")
    more = {"systems": [HOSTILE], "external_references": {HOSTILE: HOSTILE}}
    await service.opened(HOSTILE, **dict.fromkeys(texts, HOSTILE), **more)
    await service.do({"id": 2}, "note", {"text": HOSTILE})
    await service.hook(HOSTILE.encode())
    for path in ("/", "/tickets/1", "/tickets/2", "/dead-letters", "/dead-letters/2", f"/?q={HOSTILE.split()[0]}"):
        answer = await browser.get(path)
        assert answer.status == 200, path
        parsed = Tags(answer.text).tags
        assert {tag for tag, _ in parsed} & {"script", "img", "iframe", "object", "style", "base"} == set(), path
        assert not [name for _, attributes in parsed for name in attributes if name.startswith("on")], path
        links = [attributes.get("href") or "" for tag, attributes in parsed if tag in ("a", "link")]
        assert not [link for link in links if link.strip().lower().startswith(("javascript", "vbscript"))], path
    assert "49" not in re.sub(r"<time.*?</time>|value=\"[^\"]*\"", "", (await browser.get("/tickets/2")).text)
    assert HOSTILE.split(" ")[0] in unescape((await browser.get("/tickets/2")).text)


async def test_every_page_forbids_scripts_frames_and_caches(service: Running, browser: Browser) -> None:
    await service.opened()
    for path in ("/", "/tickets/1", "/tickets/99", "/dead-letters", "/login"):
        headers = (await browser.get(path)).headers
        policy = headers["Content-Security-Policy"]
        for rule in (
            "default-src 'none'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ):
            assert rule in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
        assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("same-origin", "no-store")


async def test_the_list_filters_searches_and_pages(service: Running, browser: Browser) -> None:
    work = service.service.desk.work
    rows = (Open(f"Ticket of row {n}", priority=Priority.LOW) for n in range(55))
    await asyncio.gather(*(work.open(row, API, "api") for row in rows))
    await service.opened("결제 서버 장애", priority="critical", assignee="kim", systems=["db"])
    await service.api("POST", "/tickets/1/resolve")

    async def ids(query: str) -> list[int]:
        html = (await browser.get(f"/?{query}")).text
        return [int(number) for number in re.findall(r'<td class="id"><a href="/tickets/(\d+)"', html)]

    assert await ids("") == list(range(56, 6, -1))
    assert await ids("cursor=7") == [6, 5, 4, 3, 2]
    assert 'href="/?cursor=7"' in (await browser.get("/")).text
    assert 'href="/?priority=low&amp;cursor=6"' in (await browser.get("/?priority=low")).text
    assert await ids("priority=critical") == [56]
    assert await ids("status=resolved") == [1]
    assert await ids("assignee=me") == await ids("assignee=kim") == [56]
    assert await ids("system=db") == [56]
    assert await ids(urlencode({"q": "결제"})) == [56]
    assert len(await ids("status=nonsense&priority=&category=x&cursor=y")) == 50
    assert await ids("q=%00") == await ids("q=")
    assert "No ticket fits" in (await browser.get("/?q=nowhere")).text


async def test_the_page_of_a_ticket_tells_its_whole_story(service: Running, browser: Browser) -> None:
    await service.hook(webhook(alert("a")))
    await service.do({"id": 1}, "assign", {"assignee": "kim"})
    await service.do({"id": 1}, "note", {"text": "first line\nsecond line"})
    page = unescape((await browser.get("/tickets/1")).text)
    for words in (
        "Disk is full", "Opened because of an alert", "API assigned the ticket to Kim Minji", "first line\nsecond line",
        "db01", "Critical", "because the severity of the alert is critical",
    ):  # fmt: skip
        assert words in page
    assert (await browser.get("/tickets/99")).status == 404
    assert (await browser.get("/tickets/abc")).status == 404


async def test_an_event_without_words_is_shown_by_its_name(service: Running, browser: Browser) -> None:
    await service.opened()
    odd = Event("ticket.teleported", 1, NOON, DESKBELL, "clock", {"where": "elsewhere"})
    await service.service.database.write(lambda session: session.add_event(odd))
    assert "ticket.teleported" in (await browser.get("/tickets/1")).text


async def test_a_long_story_is_turned_over(service: Running, browser: Browser) -> None:
    ticket = await service.opened()
    notes = (Note(f"note number {n}.") for n in range(205))
    work = service.service.desk.work
    await asyncio.gather(*(work.execute(ticket["id"], note, API, "api") for note in notes))
    first = (await browser.get("/tickets/1")).text
    assert "note number 198." in first
    assert "note number 199." not in first
    later = re.search(r'href="(/tickets/1\?after=\d+)#story"', first)
    assert later
    second = (await browser.get(later[1])).text
    assert "note number 199." in second
    assert "note number 204." in second


# moves


def test_the_console_offers_a_form_for_every_move_of_a_person() -> None:
    verbs = {"assign_to_me": "assign", "priority": "prioritize"}
    known = {verb for moves in LIFECYCLE.values() for verb in moves} - {"merge", "split", "rate"}
    assert {verbs.get(move, move) for move in MOVES} == known


@pytest.mark.parametrize(
    ("move", "fields", "status"),
    [
        ("assign_to_me", {}, Status.ASSIGNED),
        ("assign", {"assignee": "lee"}, Status.ASSIGNED),
        ("start", {}, Status.IN_PROGRESS),
        ("wait", {"reason": "vendor"}, Status.WAITING),
        ("resolve", {"resolution": "rebooted"}, Status.RESOLVED),
        ("priority", {"priority": "critical"}, Status.NEW),
        ("note", {"note": "seen"}, Status.NEW),
        ("escalate", {"reason": "stuck"}, Status.NEW),
        ("expert", {"skill": "db"}, Status.NEW),
    ],
)
async def test_a_move_is_made_in_the_name_of_who_signed_in(
    service: Running, browser: Browser, move: str, fields: dict[str, str], status: Status
) -> None:
    await service.opened()
    answer = await browser.submit("/tickets/1", f"/tickets/1/{move}", **fields)
    assert (answer.status, answer.headers["Location"]) == (303, "/tickets/1")
    ticket = (await service.api("GET", "/tickets/1")).json
    assert (ticket["status"], ticket["version"]) == (status, 2)
    event = (await service.api("GET", "/tickets/1/timeline")).json["items"][-1]
    assert (event["actor"]["id"], event["origin"]) == ("kim", "console")
    said = await browser.get("/tickets/1")
    assert 'class="note" role="status"' in said.text
    assert 'class="note" role="status"' not in (await browser.get("/tickets/1")).text


async def test_a_resolved_ticket_is_reopened_or_closed(service: Running, browser: Browser) -> None:
    await service.opened()
    await browser.submit("/tickets/1", "/tickets/1/resolve")
    await browser.submit("/tickets/1", "/tickets/1/reopen")
    assert (await service.api("GET", "/tickets/1")).json["status"] == "assigned"
    await browser.submit("/tickets/1", "/tickets/1/resolve")
    await browser.submit("/tickets/1", "/tickets/1/close")
    assert (await service.api("GET", "/tickets/1")).json["status"] == "closed"


async def test_a_refused_move_says_why_and_keeps_what_was_typed(service: Running, browser: Browser) -> None:
    await service.opened()
    token = token_of((await browser.get("/tickets/1")).text)
    await service.do({"id": 1}, "resolve")
    late = await browser.post("/tickets/1/wait", {"form_token": token, "reason": "typed with care"})
    assert late.status == 409
    assert "Not possible while the ticket is resolved" in unescape(late.text)
    assert 'href="/tickets/1?lang=ko"' in late.text
    await service.do({"id": 1}, "reopen")
    for move, form, why in (
        ("note", {"note": "  "}, "Please fill this in"),
        ("note", {"note": "typed " * 4000}, "At most 20,000 characters"),
        ("priority", {"priority": "urgent"}, "Please choose one of"),
        ("assign", {"assignee": "nobody"}, "I don’t know anybody called nobody"),
        ("assign", {}, "Please fill this in"),
    ):
        refused = await browser.post(f"/tickets/1/{move}", {"form_token": token, **form})
        assert refused.status == 409
        assert why in unescape(refused.text), move
        assert "typed" not in form.get("note", "") or form["note"].strip() in refused.text
    assert (await browser.post("/tickets/1/merge", {"form_token": token})).status == 404
    assert (await browser.post("/tickets/9/start", {"form_token": token})).status == 404


async def test_a_person_without_the_role_is_refused(make_service: MakeService) -> None:
    service: Running = await make_service(access={"agents": ["lee"]}, **OFFICE)
    await service.opened()
    visitor = Browser(service)
    visitor.cookies["deskbell_language"] = "en"
    await visitor.login(person="kim")
    refused = await visitor.submit("/tickets/1", "/tickets/1/start")
    assert refused.status == 409
    assert "You are not allowed" in refused.text
    operator = Browser(service)
    await operator.login(person="somebody else")
    assert (await operator.submit("/tickets/1", "/tickets/1/start")).status == 303


# dead letters


async def test_a_dead_letter_is_shown_as_it_is_and_replayed(service: Running, browser: Browser) -> None:
    body = b'{"a": "</pre><script>alert(1)</script>", "b": "\xff\x00\xe2\x80\xae"}'
    await service.hook(body)
    assert "3 deliveries" not in (await browser.get("/")).text
    page = await browser.get("/dead-letters/1")
    assert "&lt;/pre&gt;&lt;script&gt;" in page.text
    assert r"\xff\u0000\u202e" in page.text
    raw = await browser.get("/dead-letters/1/body")
    assert raw.body == body
    assert (raw.headers["Content-Type"], raw.headers["Content-Disposition"].split(";")[0]) == (
        "application/octet-stream", "attachment",
    )  # fmt: skip
    replayed = await browser.submit("/dead-letters", "/dead-letters/1/replay")
    assert (replayed.status, replayed.headers["Location"]) == (303, "/dead-letters/1")
    assert "Still not understood" in (await browser.get("/dead-letters/1")).text
    assert (await browser.get("/dead-letters/2")).status == 404


async def test_a_huge_dead_letter_is_shown_by_its_beginning(service: Running, browser: Browser) -> None:
    await service.hook(b"x" * 2_000_000)
    page = await browser.get("/dead-letters/1")
    assert len(page.body) < 100_000
    assert "Only the beginning" in page.text
    assert len((await browser.get("/dead-letters/1/body")).body) == 2_000_000
