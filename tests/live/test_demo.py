"""The demo over HTTP, as its page uses it: a data centre fails, and one ticket is worked in both chats."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

from bot.demo import world
from bot.demo.bridge import Bridge
from bot.demo.bridge_counts import Counts
from bot.demo.installation import Installation, listen
from bot.demo.run import demo
from bot.demo.scenario_alerts import Problem, fingerprint, webhook
from bot.demo.slack_records import OpenView
from core.config.check import check
from core.config.settings import AlertSettings
from core.integrations import BUILT_IN
from core.integrations.alertmanager import normalise
from core.model import RawDelivery

PACE = 0.1
ROOT = Path(__file__).parent.parent
T = TypeVar("T")


class Visitor:
    """Somebody with the page open, in a language."""

    def __init__(self, session: aiohttp.ClientSession, place: Installation, bridge: Bridge, language: str) -> None:
        self._session, self.place, self.bridge, self.language = session, place, bridge, language
        self.url = f"{place.url}/demo"
        self.slack_user = world.SLACK_USER_OF[language]
        self.teams_user = world.TEAMS_USER_OF[language]

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self._session.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def state(self) -> Any:
        return json.loads((await self.get(f"/state?lang={self.language}"))[1])

    async def post(self, path: str, **body: Any) -> Any:
        async with self._session.post(f"{self.url}/{path}", json=body) as answer:
            return await answer.json()

    async def until(self, find: Callable[[Any], T | None], seconds: float = 15.0) -> T:
        """What ``find`` makes of the state, as soon as it is something."""
        async with asyncio.timeout(seconds):
            while True:
                found = find(await self.state())
                if found:
                    return found
                await asyncio.sleep(0.05)

    @property
    def wrongs(self) -> list[Any]:
        return [*self.place.slack.violations, *self.place.teams.violations]


@asynccontextmanager
async def visit(language: str = "en", pace: float = PACE) -> AsyncIterator[Visitor]:
    async with demo(listen(0), pace) as (place, bridge), aiohttp.ClientSession() as session:
        yield Visitor(session, place, bridge, language)


def slack_messages(state: Any, channel: str = "C0SUPPORT") -> list[Any]:
    return list(state["slack"]["messages"][channel])


def teams_activities(state: Any) -> list[Any]:
    return list(state["teams"]["activities"][world.OPERATIONS])


def is_main(text: str) -> bool:
    return "payments-api" in text and "critical" in text


def slack_card(state: Any, *holding: str) -> Any:
    """The card of the critical ticket, when it says all of ``holding``."""
    heads = [each for each in slack_messages(state) if each["thread_ts"] in (None, each["ts"])]
    roots = [each for each in heads if is_main(each["text"]) and "Ticket #" in str(each["blocks"])]
    return next((each for each in roots if all(text in str(each["blocks"]) for text in holding)), None)


def teams_card(state: Any, *holding: str) -> Any:
    roots = [each for each in teams_activities(state) if not each["reply_to"] and is_main(each["summary"])]
    return next((each for each in roots if all(text in str(each["card"]) for text in holding)), None)


def button(message: Any, action_id: str) -> Any:
    """The action that the page makes of a button of a message."""
    for block in message["blocks"]:
        for element in block.get("elements", ()):
            if element.get("action_id") == action_id:
                return {key: element[key] for key in ("type", "action_id", "value")} | {"block_id": block["block_id"]}
    raise LookupError(action_id)


def submit(value: Any, **data: Any) -> Any:
    """The data of a card's button that has all of ``data``."""
    if isinstance(value, dict):
        if str(value.get("type", "")).startswith("Action.") and data.items() <= (value.get("data") or {}).items():
            return value["data"]
        value = list(value.values())
    found = (submit(part, **data) for part in value) if isinstance(value, list) else ()
    return next((each for each in found if each is not None), None)


async def test_one_ticket_is_worked_in_both_chats() -> None:
    async with visit() as visitor:
        card = await visitor.until(slack_card)
        posted = await visitor.until(teams_card)
        ticket = json.loads(button(card, "assign_to_me")["value"])["ticket"]
        assert submit(posted["card"], action="assign_to_me")["ticket_id"] == ticket
        taken = await visitor.post(
            "slack/action", user=visitor.slack_user, channel="C0SUPPORT", ts=card["ts"],
            action=button(card, "assign_to_me"), state={"values": {}},
        )  # fmt: skip
        assert taken == {}
        await visitor.until(lambda state: teams_card(state, "Alex Park"))
        await visitor.until(lambda state: [m for m in slack_messages(state) if "SLA at risk" in m["text"]])

        press = submit((await visitor.until(lambda state: teams_card(state, "resolve")))["card"], action="resolve")
        where = {"user": visitor.teams_user, "conversation": world.OPERATIONS}
        opened = await visitor.post("teams/submit", **where, activity_id=posted["id"], data=press)
        sent = {**submit(opened["dialog"]["card"], form="resolve"), "resolution": "Failed over"}
        done = await visitor.post("teams/dialog", **where, data=sent)
        assert "error" not in done
        solved = await visitor.until(lambda state: slack_card(state, "Resolved", "Failed over"))

        def story(state: Any) -> Any:
            told = [each["text"] for each in slack_messages(state) if each["thread_ts"] == solved["ts"]]
            return told if any("resolved the ticket" in text for text in told) else None

        told = " ".join(await visitor.until(story))
        assert "took the ticket" in told
        assert "left to resolve this in time" in told
        assert visitor.wrongs == []
        stats = (await visitor.state())["stats"]
        assert stats["sent_twice"] == 0
        assert stats["alerts_received"] > stats["tickets_open"]
        assert stats["notices_delivered"] > 5


async def test_the_show_runs_through_by_itself_and_breaks_nothing() -> None:
    """Nobody does anything: a colleague takes the ticket, a customer asks, everything recovers."""
    async with visit("ko", pace=0.03) as visitor:
        await visitor.until(lambda state: state["scenario"]["step"] == 10)
        await visitor.until(lambda state: not state["scenario"]["steps"])
        kinds = {"alert", "rule", "ticket", "notice", "sync", "scenario"}
        await visitor.until(lambda state: {line["kind"] for line in state["story"]} == kinds)
        state = await visitor.state()
        told = " ".join(line["text"] for line in state["story"])
        assert "동료가 Teams에서 맡았습니다" in told
        assert "한빛은행" in told
        assert [person["name"] for person in state["slack"]["users"]] == ["Kim Minji", "Alex Park"]
        assert any("긴급" in message["text"] for message in slack_messages(state))
        assert state["stats"]["sent_twice"] == 0
        assert visitor.wrongs == []


def _mentions(words: str) -> Callable[[Any], bool]:
    return lambda state: words in str(slack_messages(state))


async def test_what_the_buttons_order_happens_while_the_show_is_paused() -> None:
    async with visit() as visitor:
        await visitor.state()
        assert await visitor.post("scenario", do="pause") == {}
        assert (await visitor.state())["scenario"] == {
            "paused": True, "step": 0, "steps": 0, "text": "A small data centre is about to have a bad day.",
        }  # fmt: skip
        for order, words in (("vip", "Transfers stuck"), ("sla", "reporting tool"), ("outage", "payments-api")):
            assert await visitor.post("scenario", do=order) == {}
            await visitor.until(_mentions(words))
        await visitor.until(_mentions("Access granted"))
        assert await visitor.post("scenario", do="recover") == {}
        await visitor.until(_mentions("resolved automatically"))
        assert (await visitor.state())["scenario"]["step"] == 0
        assert await visitor.post("scenario", do="resume") == {}
        await visitor.until(lambda state: state["scenario"]["step"] > 0)
        assert "error" in await visitor.post("scenario", do="explode")
        assert visitor.wrongs == []


async def test_people_type_commands_and_fill_in_modals_through_the_real_doors() -> None:
    async with visit() as visitor:
        await visitor.state()
        await visitor.post("scenario", do="pause")
        here = {"user": "U0PARK", "channel": "C0SUPPORT"}
        assert await visitor.post("slack/command", **here, text="/ticket create") == {}
        view = visitor.place.slack.modals.stacks["U0PARK"][-1]
        search = {"user": "U0PARK", "view_id": view.id, "block_id": "systems"}
        offered = await visitor.post("slack/options", **search, text="pay")
        assert [option["value"] for option in offered["options"]] == ["payments-api"]
        element = _element(view, "title")
        given = {"title": {element["action_id"]: {"type": element["type"], "value": "Printer on fire"}}}
        assert await visitor.post("slack/submit", user="U0PARK", view_id=view.id, values=given) == {"ok": True}
        await visitor.until(lambda state: "Printer on fire" in str(slack_messages(state)))
        listed = await visitor.post("slack/command", **here, text="/ticket list")
        assert listed == {}
        whisper = await visitor.until(lambda state: [m for m in slack_messages(state) if m["ephemeral_to"]])
        assert whisper[-1]["ephemeral_to"] == "U0PARK"
        wrong = await visitor.post("slack/command", **here, text="/giphy cat")
        assert wrong["error"] == "/giphy is not a valid command here."
        assert "error" in await visitor.post("slack/action", **here, ts="1.000001", action={"action_id": "resolve"})
        chat = visitor.place.teams_users["29:1Cruz"].chat.id
        said = await visitor.post("teams/message", user="29:1Cruz", conversation=chat, text="show 1", mentions=[])
        assert said == {}
        await visitor.until(lambda state: "Printer on fire" in str(state["teams"]["activities"][chat]))
        assert visitor.wrongs == []


def _element(view: OpenView, block_id: str) -> Any:
    return next(block for block in view.content["blocks"] if block.get("block_id") == block_id)["element"]


async def test_the_stream_tells_what_happens_in_the_readers_language() -> None:
    events: list[tuple[int, str, Any]] = []
    number, name = 0, ""
    async with visit() as visitor, visitor.place.session.get(f"{visitor.url}/stream?lang=ko") as stream:
        assert stream.content_type == "text/event-stream"
        await visitor.state()
        async with asyncio.timeout(10):
            while not {"slack.message", "teams.activity", "story", "scenario", "stats"} <= {e[1] for e in events}:
                field, _, value = (await stream.content.readline()).decode().strip().partition(": ")
                if field == "id":
                    number = int(value)
                elif field == "event":
                    name = value
                elif field == "data":
                    events.append((number, name, json.loads(value)))
    assert [event[0] for event in events] == sorted({event[0] for event in events})
    story = next(data for _, kind, data in events if kind == "story")
    assert "패킷 손실" in story["text"]


async def test_another_site_cannot_act_in_peoples_names() -> None:
    foreign = (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
    )
    async with visit() as visitor, aiohttp.ClientSession() as session:
        body = {"user": "U0PARK", "channel": "C0SUPPORT", "text": "hello"}
        for headers in foreign:
            async with session.post(f"{visitor.url}/slack/command", json=body, headers=headers) as answer:
                assert answer.status == 403, headers
            assert (await visitor.get("/state", **headers))[0] == 403, headers
        assert not visitor.place.slack.workspace.channels["C0SUPPORT"].messages


async def test_the_page_is_served_with_a_policy_that_allows_nothing_foreign() -> None:
    async with visit() as visitor, aiohttp.ClientSession() as session:
        async with session.get(visitor.url) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
        async with session.get(f"{visitor.url}/static/demo.js") as answer:
            assert answer.status == 200
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with session.post(f"{visitor.url}/scenario", data="do=outage") as answer:
            assert answer.status == 415
        async with session.post(f"{visitor.url}/scenario", json={"wrong": 1}) as answer:
            assert answer.status == 400


async def test_a_message_that_arrives_twice_is_counted() -> None:
    async with visit() as visitor:
        place = visitor.place
        counts = Counts(place.slack, place.teams)
        notice = {"metadata": {"event_type": "deskbell_notice", "event_payload": {"key": "card:1"}}}
        headers = {"Authorization": f"Bearer {place.keys.slack_bot}"}
        for _ in range(2):
            body = {"channel": "C0SUPPORT", "text": "Ticket #1", **notice}
            async with place.session.post(f"{place.slack.base_url}/api/chat.postMessage", json=body, headers=headers):
                pass
        assert counts.delivered == 2
        assert counts.twice == 1


async def test_a_post_to_teams_that_the_delivery_log_does_not_know_is_counted() -> None:
    async with visit() as visitor:
        place = visitor.place
        url = f"{place.teams.service_url(world.TENANT)}v3/conversations/{world.OPERATIONS}/activities"
        body = {"type": "message", "text": "again", "from": {"id": place.teams.world.bot_id}}
        headers = {"Authorization": f"Bearer {place.keys.connector}"}
        async with place.session.post(url, json=body, headers=headers) as answer:
            assert answer.status == 201
        await visitor.bridge.log.look()
        assert visitor.bridge.log.stats["sent_twice"] == 1


def test_alerts_have_alertmanagers_own_fingerprints() -> None:
    """As an Alertmanager 0.25 gave it to these labels."""
    labels = {
        "alertname": "DiskAlmostFull", "cluster": "seoul-dc1", "env": "prod", "host": "db01",
        "instance": "127.0.0.1:19101", "job": "app", "mount": "/var/lib/pg", "severity": "warning",
    }  # fmt: skip
    assert fingerprint(labels) == "303519001f61f10c"


def test_alerts_are_understood_as_what_they_say() -> None:
    problem = Problem("PaymentsFailing", "payments-api", 3, "critical", "38% fail", "timeouts")
    body = json.dumps(webhook([problem])).encode()
    delivery = RawDelivery("alertmanager", body, "application/json", {}, problem.started_at)
    (alert,) = normalise(delivery, BUILT_IN["alertmanager"], AlertSettings()).alerts
    assert (alert.fingerprint, alert.service, alert.host) == (problem.fingerprint, "payments-api", "payments-api-3")
    assert (alert.title, alert.severity.value) == ("38% fail", "critical")


def test_the_settings_are_those_of_a_careful_operator(tmp_path: Path) -> None:
    settings = world.settings(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:2", world.Secrets())
    assert [problem for problem in check(settings) if problem.level == "error"] == []


def test_every_run_has_secrets_of_its_own() -> None:
    first, second = world.Secrets(), world.Secrets()
    assert not set(_values(first)) & set(_values(second))


def _values(keys: world.Secrets) -> list[str]:
    return [keys.webhook, keys.api, keys.slack_signing, keys.slack_bot, keys.connector, keys.teams_app]


async def test_nothing_of_a_real_installation_leaks_in(monkeypatch: pytest.MonkeyPatch) -> None:
    real = {
        "DESKBELL_DATABASE_URL": "sqlite:////nowhere/real.db", "DESKBELL_API_TOKEN": "real",
        "DESKBELL_WEBHOOK_TOKEN": "real", "SLACK_BOT_TOKEN": "xoxb-real", "SLACK_SIGNING_SECRET": "real",
        "SLACK_APP_TOKEN": "xapp-real", "SLACK_API_URL": "http://192.0.2.1/", "MICROSOFT_APP_ID": "real",
        "MICROSOFT_APP_PASSWORD": "real",
    }  # fmt: skip
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    async with visit() as visitor:
        await visitor.until(slack_card)
        assert "real" not in visitor.place.service.settings.model_dump_json()
        assert visitor.wrongs == []


async def _card_is_there(address: str) -> None:
    """At the show's own speed the first card comes after two seconds."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(10):
        while True:
            async with session.get(f"{address}/state") as answer:
                if slack_messages(await answer.json()):
                    return
            await asyncio.sleep(0.1)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_the_command_says_where_it_is_and_leaves_nothing_behind(tmp_path: Path) -> None:
    taken = listen(0)
    taken.listen()
    port = taken.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--port", str(port), cwd=ROOT,
        env={"TMPDIR": str(tmp_path), "http_proxy": "http://127.0.0.1:1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout
        lines = [(await asyncio.wait_for(process.stdout.readline(), 20)).decode() for _ in range(3)]
        assert f"Port {port} is taken" in lines[0]
        address = lines[1].split()[-1]
        assert address.endswith("/demo")
        assert f":{port}/" not in address
        assert "Ctrl-C" in lines[2]
        assert os.listdir(tmp_path)
        await _card_is_there(address)
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(process.communicate(), 10)
        assert (process.returncode, errors) == (0, b"")
        assert not os.listdir(tmp_path)
    finally:
        taken.close()
        if process.returncode is None:
            process.kill()
            await process.wait()
