"""The console over real HTTP: who is let in, what a page shows and never runs, and moves made from it."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.app import build
from bot.console.login import inside
from bot.console.reader import accepted
from bot.console.tickets import MOVES
from core.config.settings import Settings
from core.lifecycle import MOVES as LIFECYCLE
from core.model import Status
from tests.conftest import MakeService, SetClock
from tests.running_service import API_TOKEN, OFFICE, Answer, Running
from tests.test_intake import alert, webhook

HOSTILE = "<script>alert(1)</script> {{ 7*7 }} \"'><img src=x onerror=alert(1)> <!channel> \u202egnp.exe"


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


class Browser:
    """Keeps cookies as a browser does, and fills in forms."""

    def __init__(self, service: Running, **headers: str) -> None:
        self._service = service
        self.headers = headers
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._send("GET", path, headers)

    async def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._send("POST", path, {**kind, **headers}, data=urlencode(form).encode())

    async def submit(self, page: str, path: str, **fields: str) -> Answer:
        """Posts the form of ``page`` that goes to ``path``, with the page's own token."""
        html = (await self.get(page)).text
        assert f'action="{path}"' in html, f"{page} has no form for {path}"
        return await self.post(path, {"form_token": token_of(html), **fields})

    async def login(self, token: str = API_TOKEN, **fields: str) -> Answer:
        return await self.submit("/login", "/login", token=token, **fields)

    async def _send(self, method: str, path: str, headers: dict[str, str], **options: Any) -> Answer:
        cookie = (
            {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        )
        sent = {**self.headers, **cookie, **headers}
        answer = await self._service.request(method, path, headers=sent, **options)
        for line in answer.headers.getall("Set-Cookie", ()):  # type: ignore[attr-defined]
            name, _, rest = line.partition("=")
            value = rest.split(";", 1)[0]
            if value and value != '""':
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer


def token_of(html: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', html)
    assert found, "the page has no form"
    return found[1]


@pytest.fixture
async def browser(service: Running) -> Browser:
    """A browser in which kim is signed in, reading English."""
    made = Browser(service, **{"Accept-Language": "en"})
    assert (await made.login(person="kim")).status == 303
    return made


# the entrance


async def test_nothing_is_shown_without_signing_in(service: Running) -> None:
    await service.opened("a secret title")
    stranger = Browser(service)
    for path in ("/", "/tickets/1", "/dead-letters", "/dead-letters/1", "/dead-letters/1/body", "/tickets/1?after=2"):
        answer = await stranger.get(path)
        assert (answer.status, answer.headers["Location"].split("?")[0]) == (303, "/login")
        assert "secret" not in answer.text
    for path in ("/tickets/1/start", "/dead-letters/1/replay", "/logout"):
        assert (await stranger.post(path, {})).status == 303
    assert (await service.api("GET", "/tickets/1")).json["status"] == "new"


async def test_the_token_opens_the_page_that_was_asked_for(service: Running) -> None:
    await service.opened()
    visitor = Browser(service)
    way = (await visitor.get("/tickets/1?after=0")).headers["Location"]
    assert way == "/login?next=/tickets/1?after%3D0"
    login = await visitor.get(way)
    wanted = unescape(re.search(r'name="next" value="([^"]*)"', login.text)[1])  # type: ignore[index]
    entered = await visitor.post("/login", {"form_token": token_of(login.text), "token": API_TOKEN, "next": wanted})
    assert (entered.status, entered.headers["Location"]) == (303, "/tickets/1?after=0")
    assert (await visitor.get("/tickets/1")).status == 200


async def test_a_wrong_token_opens_nothing(service: Running) -> None:
    visitor = Browser(service)
    for wrong in ("", "wrong", API_TOKEN + "x", API_TOKEN[:-1], "\ud7ff"):
        assert (await visitor.login(wrong)).status in (403, 429)
        assert (await visitor.get("/")).status == 303


async def test_guessing_is_slowed_down_and_the_right_token_waits_as_well(service: Running, clock: SetClock) -> None:
    visitor = Browser(service)
    assert [(await visitor.login("guess")).status for _ in range(6)] == [403] * 5 + [429]
    refused = await visitor.login()
    assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
    clock.advance(seconds=10)
    assert (await visitor.login()).status == 303


async def test_the_cookie_is_kept_from_scripts_and_other_sites_and_from_plain_http(make_service: MakeService) -> None:
    service: Running = await make_service(base_url="https://127.0.0.1")
    visitor = Browser(service)
    entered = await visitor.login()
    (cookie,) = [line for line in entered.headers.getall("Set-Cookie") if line.startswith("deskbell_session")]  # type: ignore[attr-defined]
    for word in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=43200"):
        assert word in cookie
    assert API_TOKEN not in cookie


async def test_a_session_ends_by_time_by_signing_out_and_with_the_token(
    browser: Browser, service: Running, make_service: MakeService, clock: SetClock
) -> None:
    other: Running = await make_service(api_token="another", **OFFICE)
    stolen = dict(browser.cookies)
    elsewhere = Browser(other)
    elsewhere.cookies = dict(stolen)
    assert (await elsewhere.get("/")).status == 303
    assert (await browser.submit("/", "/logout")).headers["Location"] == "/login"
    assert (await browser.get("/")).status == 303
    browser.cookies = stolen
    clock.advance(hours=11, minutes=59)
    assert (await browser.get("/")).status == 200
    clock.advance(minutes=2)
    assert (await browser.get("/")).status == 303


async def test_a_forged_cookie_opens_nothing(browser: Browser) -> None:
    body, _, signature = browser.cookies["deskbell_session"].partition(".")
    forged = (
        f"{body}.",
        f".{signature}",
        body,
        f"{body[:-2]}AA.{signature}",
        f"{body}.{signature[:-3]}AAA",
        "x.é",
        "..",
        "",
    )
    for cookie in forged:
        browser.cookies = {"deskbell_session": cookie}
        assert (await browser.get("/")).status == 303


async def test_every_post_needs_the_token_of_its_own_session(service: Running, browser: Browser) -> None:
    await service.opened()
    other = Browser(service)
    await other.login()
    foreign = token_of((await other.get("/tickets/1")).text)
    own = token_of((await browser.get("/tickets/1")).text)
    for path in ("/tickets/1/start", "/dead-letters/1/replay", "/logout", "/login"):
        for form in ({}, {"form_token": ""}, {"form_token": foreign}, {"form_token": own + "x"}, {"form_token": "é"}):
            assert (await browser.post(path, form)).status == 403, (path, form)
    assert (await service.api("GET", "/tickets/1")).json["status"] == "new"
    assert (await browser.post("/tickets/1/start", {"form_token": own})).status == 303


async def test_a_link_from_another_site_opens_once_more_from_here(service: Running, browser: Browser) -> None:
    await service.opened()
    cookies, browser.cookies = browser.cookies, {}  # a strict cookie is not sent
    arrived = await browser.get("/tickets/1?after=0", **{"Sec-Fetch-Site": "cross-site"})
    assert arrived.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/tickets/1?after=0">' in arrived.text
    assert "Set-Cookie" not in arrived.headers
    browser.cookies = cookies
    assert (await browser.get("/tickets/1?after=0", **{"Sec-Fetch-Site": "same-origin"})).status == 200


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/tickets/1", "/tickets/1"), ("/?q=a", "/?q=a"), ("", "/"), ("https://evil.example", "/"),
        ("//evil.example", "/"), ("/\\evil.example", "/"), ("javascript:alert(1)", "/"), ("/a\nb", "/"), ("/login", "/"),
    ],
)  # fmt: skip
def test_a_login_never_leads_to_another_site(asked: str, led: str) -> None:
    assert inside(asked) == led


async def test_without_an_api_token_the_console_says_that_it_is_off(make_service: MakeService) -> None:
    service: Running = await make_service(api_token=None)
    visitor = Browser(service)
    for path in ("/", "/tickets/1", "/login", "/dead-letters"):
        answer = await visitor.get(path)
        assert answer.status == 403
        assert "DESKBELL_API_TOKEN" in answer.text
    assert (await visitor.post("/login", {"token": ""})).status == 403
    assert (await service.request("GET", "/static/console.css")).status == 200


async def test_open_access_is_for_this_machine_under_its_own_names_only(database_url: str, clock: SetClock) -> None:
    from tests.running_service import serving

    opened = build(Settings(database={"url": database_url}, **OFFICE), clock, open_console=True)  # type: ignore[arg-type]
    async with serving(opened) as service:
        visitor = Browser(service)
        assert (await visitor.get("/", Host="evil.example")).status == 403
        assert (await visitor.get("/")).status == 200
        assert (await visitor.post("/tickets/1/start", {})).status == 403
        assert (await visitor.login("", person="kim")).status == 303
        assert "Kim Minji" in (await visitor.get("/")).text


# what pages show


async def test_user_text_is_shown_and_never_run(service: Running, browser: Browser) -> None:
    await service.hook(webhook(alert("a") | {
        "annotations": {"summary": HOSTILE, "description": HOSTILE}, "generatorURL": "javascript:alert(1)",
        "labels": {"alertname": HOSTILE, "instance": HOSTILE, "service": HOSTILE, "team": HOSTILE, "severity": "critical"},
    }))  # fmt: skip
    await service.opened(HOSTILE, description=HOSTILE, customer=HOSTILE, systems=[HOSTILE], business_impact=HOSTILE,
                         assignee=HOSTILE, external_references={HOSTILE[:99]: HOSTILE}, affected_repository=HOSTILE)  # fmt: skip
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
    for n in range(55):
        await service.opened(f"Ticket of row {n}", priority="low")
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
    for words in ("Disk is full", "Opened because of an alert", "API assigned the ticket to Kim Minji", "first line\nsecond line",
                  "db01", "Critical", "because the severity of the alert is critical"):  # fmt: skip
        assert words in page
    assert (await browser.get("/tickets/99")).status == 404
    assert (await browser.get("/tickets/abc")).status == 404


async def test_a_long_story_is_turned_over(service: Running, browser: Browser) -> None:
    ticket = await service.opened()
    for n in range(205):
        await service.service.desk.work.execute(ticket["id"], _note(f"note number {n}."), _api(), "api")
    first = (await browser.get("/tickets/1")).text
    assert "note number 198." in first
    assert "note number 199." not in first
    later = re.search(r'href="(/tickets/1\?after=\d+)#story"', first)
    assert later
    second = (await browser.get(later[1])).text
    assert "note number 199." in second
    assert "note number 204." in second


def _note(text: str) -> Any:
    from core.commands import Note

    return Note(text)


def _api() -> Any:
    from core.desk.work import API

    return API


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
    await service.do({"id": 1}, "reopen")
    for move, form, why in (
        ("note", {"note": "  "}, "Please fill this in"),
        ("note", {"note": "typed " * 4000}, "At most 20000 characters"),
        ("priority", {"priority": "urgent"}, "Please choose one of"),
        ("assign", {"assignee": "nobody"}, "I don’t know anybody called nobody"),
        ("assign", {}, "Please fill this in"),
    ):
        refused = await browser.post(f"/tickets/1/{move}", {"form_token": token, **form})
        assert refused.status == 409
        assert why in unescape(refused.text), move
    assert (await browser.post("/tickets/1/merge", {"form_token": token})).status == 404
    assert (await browser.post("/tickets/9/start", {"form_token": token})).status == 404


async def test_a_person_without_the_role_is_refused(make_service: MakeService) -> None:
    service: Running = await make_service(access={"agents": ["lee"]}, **OFFICE)
    await service.opened()
    visitor = Browser(service, **{"Accept-Language": "en"})
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


# language and time


async def test_a_page_is_in_the_language_asked_for_known_or_accepted(service: Running) -> None:
    visitor = Browser(service, **{"Accept-Language": "de, en;q=0.5"})
    assert 'lang="en"' in (await visitor.get("/login")).text
    assert 'lang="ko"' in (await visitor.get("/login", **{"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"})).text
    await visitor.login(person="kim")
    assert "<h1>티켓</h1>" in (await visitor.get("/")).text  # kim's own language
    assert "<h1>Tickets</h1>" in (await visitor.get("/?lang=en")).text
    assert "<h1>Tickets</h1>" in (await visitor.get("/")).text  # remembered


async def test_times_are_those_of_the_configured_zone(make_service: MakeService) -> None:
    service: Running = await make_service(time_zone="Asia/Seoul")
    await service.opened()
    visitor = Browser(service, **{"Accept-Language": "en"})
    await visitor.login()
    assert "Mar 2, 2026 9:00 PM KST" in unescape((await visitor.get("/tickets/1")).text).replace("\u202f", " ")


class _Request:
    def __init__(self, header: str) -> None:
        self.headers = {"Accept-Language": header}


@pytest.mark.parametrize(
    ("header", "order"),
    [
        ("", []), ("ko", ["ko"]), ("en;q=0.1, ko;q=0.9", ["ko", "en"]), ("*, en", ["en"]), ("ko;q=0, en", ["en"]),
        ("en-US,en;q=0.9", ["en", "en"]), (";;;,,q=1", []), ("ko;q=2", []), ("x" * 5000, []),
    ],
)  # fmt: skip
def test_accepted_languages_are_read_the_dearest_first(header: str, order: list[str]) -> None:
    assert accepted(_Request(header)) == order  # type: ignore[arg-type]
