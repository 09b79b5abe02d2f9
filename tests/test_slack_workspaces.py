"""Many workspaces of Slack, each with its own installation: through the real door, against the strict stand-in."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.demo.faults import FaultKind
from bot.demo.slack_oauth import ACCESS_ERRORS, TOKEN_SECONDS, Installed
from bot.slack.people import is_own
from core.desk.installations import Installations
from core.people import Seen
from core.sealing import Keyring, keys_of
from tests.conftest import SetClock
from tests.slack_office import until
from tests.slack_site_desk import ALPHA, BETA, GRID, GRID_1, GRID_2, KEY, Browser, SiteDesk, back, site_desk

SHARED = Path(__file__).parents[2] / "shared" / "fixtures" / "slack"


@pytest.fixture
async def desk(clock: SetClock, database_url: str) -> AsyncIterator[SiteDesk]:
    async with site_desk(clock, database_url) as made:
        yield made


@pytest.fixture
async def rotating(clock: SetClock, database_url: str) -> AsyncIterator[SiteDesk]:
    async with site_desk(clock, database_url, rotation=True) as made:
        yield made


def store(desk: SiteDesk, keys: str = KEY) -> Installations:
    return Installations(desk.running.service.database, Keyring(keys_of(keys)), "slack")


@pytest.mark.skipif(not SHARED.exists(), reason="the recorded facts of Slack are not in this copy")
def test_the_stand_in_refuses_codes_with_slacks_own_words() -> None:
    documented = json.loads((SHARED / "web_api_methods_subset.json").read_text())["oauth.v2.access"]
    assert set(documented["errors"]) >= ACCESS_ERRORS
    assert not documented["json"]


# installing


async def test_a_workspace_installs_the_app_and_works(desk: SiteDesk) -> None:
    browser = Browser(desk.running)
    answer = await desk.install(ALPHA, browser)
    assert (answer.status, "now works in Alpha" in answer.text) == (200, True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "deskbell_slack_install" not in browser.cookies
    made = await store(desk).installation("T0ALPHA")
    assert made is not None
    assert (made.name, made.bot_user, made.bot_id, made.installed_by) == ("Alpha", "U0ABOT", "B0ALPHA", "U0ADMIN")
    await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
    (ticket,) = await desk.tickets()
    card = await desk.card_in(ALPHA, ticket)
    assert card.user == "U0ABOT"
    assert not desk.wrongs()


async def test_slack_is_asked_for_the_permissions_of_the_manifest_and_the_cookie_is_the_browsers_alone(
    desk: SiteDesk,
) -> None:
    answer = await desk.running.request("GET", "/slack/install")
    location, cookie = answer.headers["Location"], answer.headers["Set-Cookie"]
    assert location.split("?")[0].endswith("/oauth/v2/authorize")
    assert "client_id=123.456" in location
    assert "chat%3Awrite" in location
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/slack", "Max-Age=600"} <= set(cookie.split("; "))


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_whoever_did_not_begin_here_installs_nothing(desk: SiteDesk, language: str) -> None:
    asked = await Browser(desk.running).begin()
    code = desk.site.oauth.allow(asked, ALPHA, "U0ADMIN").split("code=")[1].split("&")[0]
    thief = Browser(desk.running, language)
    await thief.begin()
    answer = await thief.get(back(code=code, state=asked["state"]))
    assert answer.status == 400
    assert ("설치하지 못했습니다" if language == "ko" else "was not installed") in answer.text
    assert f'<html lang="{language}">' in answer.text
    assert not desk.site.access_calls
    assert await store(desk).only() is None


@pytest.mark.parametrize("wrong", ["tampered cookie", "no cookie", "another state", "no state", "markup"])
async def test_a_state_that_is_not_this_browsers_is_refused(desk: SiteDesk, wrong: str) -> None:
    browser = Browser(desk.running)
    state = (await browser.begin())["state"]
    cookie = browser.cookies["deskbell_slack_install"]
    if wrong == "tampered cookie":
        browser.cookies["deskbell_slack_install"] = ("A" if cookie[0] != "A" else "B") + cookie[1:]
    elif wrong == "no cookie":
        browser.cookies.clear()
    else:
        state = {"another state": "x" * 43, "no state": "", "markup": "<script>"}[wrong]
    answer = await browser.get(back(code="c", state=state))
    assert answer.status == 400
    assert "<script>" not in answer.text
    assert not desk.site.access_calls


async def test_a_state_counts_once_and_ten_minutes(desk: SiteDesk, clock: SetClock) -> None:
    browser = Browser(desk.running)
    cookie_and_state = await browser.begin(), dict(browser.cookies)
    assert (await desk.install(ALPHA, browser)).status == 200
    browser.cookies = cookie_and_state[1]
    again = desk.site.oauth.allow(cookie_and_state[0], ALPHA, "U0ADMIN")
    path = again.removeprefix("https://desk.example.com")
    assert (await browser.get(path)).status == 200, "the first state of this browser is still good"
    browser.cookies = cookie_and_state[1]
    assert (await browser.get(path)).status == 400
    late = await browser.begin()
    clock.advance(seconds=601)
    assert (await browser.get(back(code="c", state=late["state"]))).status == 400


async def test_a_cancelled_installation_and_a_code_that_slack_refuses_are_explained(desk: SiteDesk) -> None:
    browser = Browser(desk.running)
    cancelled = await browser.get(back(error="access_denied", state=(await browser.begin())["state"]))
    assert (cancelled.status, "cancelled in Slack" in cancelled.text) == (400, True)
    refused = await browser.get(back(code="made-up", state=(await browser.begin())["state"]))
    assert (refused.status, "(invalid_code)" in refused.text) == (502, True)
    hostile = await browser.get(back(error="<b>no</b>", state=(await browser.begin())["state"]))
    assert (hostile.status, "<b>" in hostile.text) == (400, False)


async def test_a_workspace_that_is_not_on_the_list_is_turned_away_and_its_token_given_back(
    clock: SetClock, database_url: str
) -> None:
    async with site_desk(clock, database_url, slack={"workspaces": ["T0BETA"]}) as desk:
        answer = await desk.install(ALPHA)
        assert (answer.status, "T0ALPHA is not on the list" in answer.text) == (403, True)
        assert not desk.site.oauth.installed["T0ALPHA"].tokens
        assert await store(desk).only() is None


async def test_without_a_client_id_there_is_nothing_to_install(clock: SetClock, database_url: str) -> None:
    async with site_desk(clock, database_url, slack={"client_id": None, "bot_token": "xoxb-demo"}) as desk:
        assert (await desk.running.request("GET", "/slack/install")).status == 404
        assert (await desk.running.request("GET", "/slack/oauth_redirect")).status == 404


# working in several


async def test_two_workspaces_share_the_desk_and_each_is_told_with_its_own_token(desk: SiteDesk) -> None:
    await desk.install(ALPHA)
    await desk.install(BETA)
    await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
    (ticket,) = await desk.tickets()
    in_alpha, in_beta = [await desk.card_in(app, ticket) for app in (ALPHA, BETA)]
    await desk.person(BETA).click("it-support", in_beta.ts, "assign_to_me")
    await until(lambda: in_alpha.edits and in_beta.edits)
    (after,) = await desk.tickets()
    assert after.assignee is not None
    assert after.requester is not None
    # The same user id in two workspaces is two people.
    assert (after.requester.id, after.assignee.id) == ("slack.T0ALPHA.U0KIM", "slack.T0BETA.U0KIM")
    assert (after.requester.name, after.assignee.name) == ("kim", "kim")
    kim = await desk.running.service.desk.people.known("slack", "T0BETA/U0KIM")
    assert kim is not None
    assert kim.email == "other@example.com"
    assert not desk.wrongs()


async def test_a_person_is_told_in_private_in_their_own_workspace(clock: SetClock, database_url: str) -> None:
    rule = {"name": "mine", "on": ["ticket.assigned"], "to": ["assignee"]}
    async with site_desk(clock, database_url, notifications=[rule]) as desk:
        await desk.install(ALPHA)
        await desk.install(BETA)
        await desk.person(BETA).command("/ticket", "list", "it-support")
        await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
        (ticket,) = await desk.tickets()
        answer = await desk.running.api("POST", f"/tickets/{ticket.id}/assign", {"assignee": "slack.T0BETA.U0KIM"})
        assert answer.status == 200, answer.text
        await until(lambda: desk.calls(BETA, "conversations.open"))
        assert not desk.calls(ALPHA, "conversations.open")
        assert not desk.wrongs()


async def test_what_was_asked_in_a_thread_is_answered_in_that_workspace(desk: SiteDesk, clock: SetClock) -> None:
    await desk.install(ALPHA)
    await desk.install(BETA)
    said = await desk.person(BETA).say(f"<@{BETA.bot_user}> the printer on 3F is on fire", "it-support")

    def answers() -> list[Any]:
        clock.advance(seconds=1)
        return [message for message in desk.messages(BETA) if message.thread_ts == said.ts and message.bot_id]

    await until(answers)
    assert not desk.wrongs()


async def test_plain_names_mean_the_home_workspace(clock: SetClock, database_url: str) -> None:
    kim = {"id": "kim", "name": "Kim", "slack": "U0KIM"}
    desk_audience = {"desk": ["slack:#it-support"]}
    async with site_desk(clock, database_url, slack={"home": "T0BETA"}, people=[kim], audiences=desk_audience) as desk:
        await desk.install(ALPHA)
        await desk.install(BETA)
        await desk.person(BETA).command("/ticket", "create VPN is down", "it-support")
        (ticket,) = await desk.tickets()
        assert ticket.requester is not None
        assert ticket.requester.id == "kim"
        await desk.card_in(BETA, ticket)
        await desk.person(ALPHA).command("/ticket", "create Mail is down", "it-support")
        other = (await desk.tickets())[0]
        assert other.requester is not None
        assert other.requester.id == "slack.T0ALPHA.U0KIM"
        assert not desk.messages(ALPHA)


TEAMS_KIM = Seen("teams", "entra-kim", "tenant", "Kim", "KIM@example.com", email_vouched=True)


async def test_ones_own_people_are_one_person_on_slack_and_teams_and_others_are_not(
    clock: SetClock, database_url: str
) -> None:
    async with site_desk(clock, database_url, organisation={"slack_workspaces": ["T0ALPHA"]}) as desk:
        for app in (ALPHA, BETA):
            await desk.install(app)
        desk.stand_in(BETA).workspace.people["U0KIM"].email = "kim@example.com"
        people = desk.running.service.desk.people
        on_teams = await people.meet(TEAMS_KIM)
        for app in (ALPHA, BETA):
            await desk.person(app).command("/ticket", f"create {app.team_name} is down", "it-support")
        in_beta, in_alpha = [ticket.requester.id for ticket in await desk.tickets() if ticket.requester]
        assert in_alpha == on_teams.id
        assert in_beta == "slack.T0BETA.U0KIM", "nobody vouches for the addresses of that workspace"
        both = await people.known("teams", "entra-kim")
        assert both is not None
        assert (both.slack, both.teams) == ("T0ALPHA/U0KIM", "entra-kim")


@pytest.mark.parametrize(
    "stranger", [{"team_id": "T0ELSE"}, {"is_stranger": True}, {"is_email_confirmed": False}, {"is_bot": True}]
)
def test_slack_vouches_for_the_confirmed_addresses_of_its_own_people_alone(stranger: dict[str, Any]) -> None:
    user = {"team_id": "T0ALPHA", "profile": {"email": "kim@example.com"}}
    own = frozenset({"T0ALPHA", "E0GRID"})
    assert is_own(user, own)
    assert is_own({"team_id": "T0GRID1", "enterprise_user": {"enterprise_id": "E0GRID"}}, own)
    assert not is_own(user | stranger, own)
    assert not is_own(user, frozenset())


async def test_an_address_of_a_workspace_without_the_app_says_why(desk: SiteDesk) -> None:
    await desk.install(ALPHA)
    await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
    (ticket,) = await desk.tickets()
    await desk.card_in(ALPHA, ticket)
    (failed,) = await desk.notices(ticket, "failed")
    assert "The app is not installed in the workspace T0BETA" in failed.reason


async def test_socket_mode_serves_all_workspaces_with_the_token_of_the_app(clock: SetClock, database_url: str) -> None:
    async with site_desk(clock, database_url, slack={"app_token": "xapp-demo"}) as desk:
        await desk.install(ALPHA)
        await desk.install(BETA)
        await until(lambda: desk.stand_in(ALPHA).sockets.connections)
        for app in (ALPHA, BETA):
            await desk.person(app, socket=True).command("/ticket", f"create {app.team_name} is down", "it-support")
        tickets = await desk.tickets()
        assert {ticket.requester.id for ticket in tickets if ticket.requester} == {
            "slack.T0ALPHA.U0KIM",
            "slack.T0BETA.U0KIM",
        }
        assert not desk.wrongs()


async def test_an_organisation_installs_once_for_all_its_workspaces(clock: SetClock, database_url: str) -> None:
    audiences = {"desk": [f"slack:{GRID}/C0GRID1", f"slack:{GRID}/C0GRID2"]}
    async with site_desk(clock, database_url, audiences=audiences) as desk:
        answer = await desk.install(GRID_1)
        assert answer.status == 200, answer.text
        made = await store(desk).only()
        assert made is not None
        assert (made.id, made.team, made.enterprise) == (GRID, "", GRID)
        await desk.person(GRID_2).command("/ticket", "create VPN is down", "it-support")
        await desk.person(GRID_1).command("/ticket", "create Mail is down", "it-support")
        newer, ticket = await desk.tickets()
        assert ticket.requester is not None
        assert newer.requester == ticket.requester
        assert ticket.requester.id == f"slack.{GRID}.W0LEE"
        for app in (GRID_1, GRID_2):
            card = await desk.card_in(app, ticket)
            await desk.person(app).click("it-support", card.ts, "assign_to_me")
        assert not desk.wrongs()
        await desk.site.uninstall(GRID, desk.door(GRID_1))
        assert await store(desk).only() is None


async def test_a_limit_of_one_workspace_holds_up_no_other(desk: SiteDesk) -> None:
    await desk.install(ALPHA)
    await desk.install(BETA)
    await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
    (ticket,) = await desk.tickets()
    in_alpha, in_beta = [await desk.card_in(app, ticket) for app in (ALPHA, BETA)]
    desk.stand_in(ALPHA).faults.add("chat.update", FaultKind.RATE_LIMITED, retry_after=30)
    await desk.person(ALPHA).click("it-support", in_alpha.ts, "assign_to_me")
    await until(lambda: in_beta.edits)
    assert not in_alpha.edits


# leaving and coming back


async def test_an_uninstalled_workspace_is_forgotten_and_comes_back_by_installing_again(
    desk: SiteDesk, clock: SetClock
) -> None:
    await desk.install(ALPHA)
    await desk.install(BETA)
    token = next(iter(desk.site.oauth.installed["T0ALPHA"].tokens))
    gone = desk.site.oauth.installed["T0ALPHA"]
    await desk.site.uninstall("T0ALPHA", desk.door(ALPHA))
    assert await store(desk).installation("T0ALPHA") is None
    assert await store(desk).installation("T0BETA") is not None
    answer = await desk.person(ALPHA).command("/ticket", "list", "it-support")
    assert "not installed in this workspace" in answer.body["text"]
    clock.advance(seconds=30)
    await desk.install(ALPHA)
    # The news of the removal, come late, does not remove what was installed since.
    await desk.site.tell(gone, {"type": "app_uninstalled"}, desk.door(ALPHA), at=int(clock.now().timestamp()) - 30)
    made = await store(desk).installation("T0ALPHA")
    assert made is not None
    assert made.token != token
    await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
    await desk.card_in(ALPHA, (await desk.tickets())[0])
    assert not desk.wrongs()


async def test_a_revoked_token_of_a_person_removes_nothing(desk: SiteDesk) -> None:
    await desk.install(ALPHA)
    event = {"type": "tokens_revoked", "tokens": {"oauth": ["U0KIM"], "bot": ["U0OTHER"]}}
    await desk.site.tell(desk.site.oauth.installed["T0ALPHA"], event, desk.door(ALPHA))
    assert await store(desk).installation("T0ALPHA") is not None


async def test_an_event_that_names_a_workspace_removes_the_organisation_only_if_its_token_is_dead(
    desk: SiteDesk,
) -> None:
    await desk.install(GRID_1)
    org = desk.site.oauth.installed[GRID]
    of_a_workspace = Installed(replace(GRID_1, is_org_install=False), is_org=False, user="U0ADMIN")
    await desk.site.tell(of_a_workspace, {"type": "app_uninstalled"}, desk.door(GRID_1))
    assert await store(desk).installation(GRID) is not None
    desk.site.oauth.remove(GRID)
    await desk.site.tell(of_a_workspace, {"type": "app_uninstalled"}, desk.door(GRID_1))
    assert await store(desk).installation(GRID) is None
    assert org.is_org


# rotation of tokens


async def test_a_refresh_that_gets_no_answer_is_made_again_and_nothing_is_lost(
    rotating: SiteDesk, clock: SetClock
) -> None:
    desk = rotating
    await desk.install(ALPHA)
    clock.advance(seconds=TOKEN_SECONDS + 1)
    desk.site.failing = 2
    await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")

    def card() -> object:
        clock.advance(seconds=5)
        return desk.messages(ALPHA)

    await until(card, seconds=10)
    assert len(desk.messages(ALPHA)) == 1
    assert not desk.wrongs()


async def test_a_token_that_is_over_is_refreshed_once_however_many_need_it(rotating: SiteDesk, clock: SetClock) -> None:
    desk = rotating
    await desk.install(ALPHA)
    before = await store(desk).installation("T0ALPHA")
    clock.advance(seconds=TOKEN_SECONDS + 1)
    person = desk.person(ALPHA)
    await asyncio.gather(*(person.command("/ticket", f"create Ticket {n}", "it-support") for n in range(5)))
    await until(lambda: len(desk.messages(ALPHA)) >= 5)
    refreshes = [call for call in desk.site.access_calls if call.get("grant_type") == "refresh_token"]
    after = await store(desk).installation("T0ALPHA")
    assert before is not None
    assert after is not None
    assert len(refreshes) == 1
    assert after.generation == before.generation + 1
    assert after.token in desk.site.oauth.installed["T0ALPHA"].tokens
    assert not desk.wrongs()


async def test_a_token_near_its_end_is_refreshed_without_anybody_waiting(rotating: SiteDesk, clock: SetClock) -> None:
    desk = rotating
    await desk.install(ALPHA)
    clock.advance(seconds=TOKEN_SECONDS - 3600)
    await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
    await desk.card_in(ALPHA, (await desk.tickets())[0])
    await until(lambda: len(desk.site.access_calls) == 2)
    assert not desk.wrongs()


async def test_new_tokens_are_on_the_disk_before_they_are_used(rotating: SiteDesk, clock: SetClock) -> None:
    desk = rotating
    await desk.install(ALPHA)
    clock.advance(seconds=TOKEN_SECONDS + 1)
    used: list[bool] = []
    oauth = desk.site.oauth
    owner = oauth.owner
    stored: set[str] = set()

    def watched(token: str) -> Any:
        used.append(token in stored)
        return owner(token)

    real = desk.running.service.database.write

    async def write(run: Any, *more: Any) -> Any:
        result = await real(run, *more)
        stored.update(oauth.installed["T0ALPHA"].tokens)
        return result

    desk.running.service.database.write = write  # type: ignore[assignment, method-assign]
    oauth.owner = watched  # type: ignore[method-assign]
    await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
    await desk.card_in(ALPHA, (await desk.tickets())[0])
    assert used
    assert all(used)


async def test_a_refresh_token_that_slack_refuses_is_not_tried_all_the_time(
    rotating: SiteDesk, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    desk = rotating
    await desk.install(ALPHA)
    desk.site.oauth.installed["T0ALPHA"].refresh_token = "lost"
    clock.advance(seconds=TOKEN_SECONDS + 1)
    for number in range(3):
        await desk.person(ALPHA).command("/ticket", f"create Ticket {number}", "it-support")
    assert len(await desk.tickets()) == 3, "the desk works on; what cannot be told waits or fails with a reason"
    assert len([call for call in desk.site.access_calls if "refresh_token" in call]) == 1
    assert "the token of T0ALPHA was not refreshed: oauth.v2.access: invalid_refresh_token" in caplog.text


# secrets


async def test_no_token_stands_in_the_database_or_the_log(
    rotating: SiteDesk, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    desk = rotating
    with caplog.at_level(logging.DEBUG):
        await desk.install(ALPHA)
        clock.advance(seconds=TOKEN_SECONDS + 1)
        await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
        await desk.card_in(ALPHA, (await desk.tickets())[0])
        desk.site.oauth.installed["T0ALPHA"].refresh_token, kept = "lost", desk.site.oauth.installed["T0ALPHA"]
        made = await store(desk).installation("T0ALPHA")
        assert made is not None
        assert made.refresh_token is not None
        assert repr(made) == str(made) == "Installation(T0ALPHA)"
        secrets = [*kept.tokens, made.token, made.refresh_token, "client-secret-of-the-tests", KEY]
        on_disk = desk.database()
        for secret in secrets:
            assert secret.encode() not in on_disk
            assert secret not in caplog.text
        assert b"T0ALPHA" in on_disk


async def test_a_new_key_seals_again_at_the_start_and_the_old_one_can_go(clock: SetClock, database_url: str) -> None:
    new = "another-key-of-the-tests-with-enough-characters"
    async with site_desk(clock, database_url) as desk:
        await desk.install(ALPHA)
        site = desk.site
    async with site_desk(clock, database_url, site=site, secret_key=f"{new}, {KEY}") as desk:
        assert await store(desk, KEY).installation("T0ALPHA") is None, "sealed with the new key"
    async with site_desk(clock, database_url, site=site, secret_key=new) as desk:
        await desk.person(ALPHA).command("/ticket", "create VPN is down", "it-support")
        await desk.card_in(ALPHA, (await desk.tickets())[0])
        assert not desk.wrongs()


async def test_without_its_key_an_installation_is_as_good_as_none_and_the_log_says_so(
    clock: SetClock, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with site_desk(clock, database_url) as desk:
        await desk.install(ALPHA)
    async with site_desk(clock, database_url, secret_key="x" * 32) as desk:
        answer = await desk.person(ALPHA).command("/ticket", "list", "it-support")
        assert "not installed in this workspace" in answer.body["text"]
        assert "no key opens the tokens of T0ALPHA" in caplog.text


async def test_sealed_tokens_cannot_be_moved_to_another_workspace(desk: SiteDesk) -> None:
    await desk.install(ALPHA)
    await desk.install(BETA)
    database = desk.running.service.database
    swap = "UPDATE installation SET sealed = (SELECT sealed FROM installation WHERE id = 'T0BETA') WHERE id = 'T0ALPHA'"
    await database.write(lambda session: session.connection.exec_driver_sql(swap).rowcount)
    assert await store(desk).installation("T0ALPHA") is None
    assert await store(desk).installation("T0BETA") is not None
