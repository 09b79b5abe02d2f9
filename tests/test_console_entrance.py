"""The entrance of the console: who is let in, for how long, and in which language a page is read."""

from __future__ import annotations

import re
from html import unescape

import pytest

from bot.app import build
from bot.console.login import inside
from bot.console.reader import accepted
from core.config.settings import Settings
from tests.conftest import MakeService, SetClock
from tests.console_browser import Browser, signed_in, token_of
from tests.running_service import API_TOKEN, OFFICE, Running, serving


@pytest.fixture
async def browser(service: Running) -> Browser:
    return await signed_in(service)


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
        ("//evil.example", "/"), ("/\\evil.example", "/"), ("javascript:alert(1)", "/"), ("/a\nb", "/"),
        ("/login", "/"),
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
    opened = build(Settings(database={"url": database_url}, **OFFICE), clock, open_console=True)  # type: ignore[arg-type]
    async with serving(opened) as service:
        visitor = Browser(service)
        assert (await visitor.get("/", Host="evil.example")).status == 403
        assert (await visitor.get("/")).status == 200
        assert (await visitor.post("/tickets/1/start", {})).status == 403
        assert (await visitor.login("", person="kim")).status == 303
        assert "Kim Minji" in (await visitor.get("/")).text


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
