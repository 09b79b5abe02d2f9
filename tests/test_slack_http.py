"""What may come to Slack's address, and what must not pass: size, proof, shape, replays, repeats."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo import slack_payloads
from bot.slack import payloads
from bot.slack.http_transport import BODY_LIMIT
from core.views import Message as Said
from core.views import View
from tests.slack_office import Office, office, until
from tests.stand_in_slack import SECRET

FIXTURES = Path(__file__).parents[2] / "shared" / "fixtures" / "slack" / "bolt_python"
FORM = "application/x-www-form-urlencoded"
COMMAND = {"command": "/ticket", "text": "list", "user_id": "U0KIM", "team_id": "T0DESKBELL", "channel_id": "C0DESK"}


def signed(place: Office, body: bytes, *, age: float = 0, kind: str = FORM) -> dict[str, str]:
    at = int(place.slack.clock.now - age)
    return {**slack_payloads.signed_headers(SECRET, at, body), "Content-Type": kind}


def mention(event_id: str = "Ev1", text: str = "<@U0DESKBELL> note 42 x") -> dict[str, Any]:
    event = {"type": "app_mention", "user": "U0KIM", "text": text, "ts": "1764000000.000100", "channel": "C0DESK"}
    return {"type": "event_callback", "team_id": "T0DESKBELL", "event_id": event_id, "event": event}


async def send_event(place: Office, event: dict[str, Any], **extra: str) -> Any:
    body = json.dumps(event).encode()
    return await place.send(body, {**signed(place, body, kind="application/json"), **extra})


# proof


@pytest.mark.parametrize("age", [299, -299])
async def test_a_signature_counts_for_five_minutes_in_both_directions(age: int) -> None:
    async with office() as place:
        body = slack_payloads.form(COMMAND)
        assert (await place.send(body, signed(place, body, age=age))).ok
        assert (await place.send(body, signed(place, body, age=age + (2 if age > 0 else -2)))).status == 401


@pytest.mark.parametrize(
    "broken",
    [
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": "v0=é"},
        {"X-Slack-Signature": "x"},
        {"X-Slack-Signature": ""},
        {"X-Slack-Request-Timestamp": "abc"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "1" * 400},
        {"X-Slack-Request-Timestamp": "١٧٦٤٠٠٠٠٠٠"},
    ],
)
async def test_a_bad_proof_is_answered_with_401(broken: dict[str, str]) -> None:
    async with office() as place:
        body = slack_payloads.form(COMMAND)
        answer = await place.send(body, {**signed(place, body), **broken})
        assert answer.status == 401
        assert answer.body["error"]["code"]
        assert not place.dispatch.calls


@pytest.mark.parametrize("missing", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
async def test_a_missing_proof_is_answered_with_401(missing: str) -> None:
    async with office() as place:
        body = slack_payloads.form(COMMAND)
        headers = signed(place, body)
        del headers[missing]
        assert (await place.send(body, headers)).status == 401


async def test_a_proof_holds_for_its_own_bytes_only() -> None:
    async with office() as place:
        headers = signed(place, slack_payloads.form(COMMAND))
        assert (await place.send(slack_payloads.form({**COMMAND, "text": "close 1"}), headers)).status == 401
        assert not place.dispatch.calls


async def test_a_replayed_request_changes_nothing() -> None:
    async with office() as place:
        body = slack_payloads.form(COMMAND)
        headers = signed(place, body)
        assert (await place.send(body, headers)).ok
        assert (await place.send(body, headers)).status == 401
        assert len(place.dispatch.calls) == 1


async def test_without_a_signing_secret_there_is_nothing_at_the_address() -> None:
    async with office(signing_secret=None, app_token="xapp-demo") as place:
        body = slack_payloads.form(COMMAND)
        assert (await place.send(body, signed(place, body))).status == 404
        assert not place.dispatch.calls


# shape

MALFORMED = [
    (b"\xff\xfe", "application/json"),
    (b"\xff\xfe", FORM),
    (b"{", "application/json"),
    (b"{", FORM),
    (b"[]", "application/json"),
    (b"null", "application/json"),
    (b"", "application/json"),
    (b"{}", "application/json"),
    (b"[" * 100_000, "application/json"),
    (b'{"type": 5}', "application/json"),
    (b"payload=%7B", FORM),
    (b"payload=%5B%5D", FORM),
    (b"payload=null", FORM),
    (b"nothing=1", FORM),
    (b"command=%2Fticket", FORM),
    (b'{"type":"event_callback"}', "application/json"),
    (b'{"type":"event_callback","event":null,"event_id":"E"}', "application/json"),
    (b'{"type":"event_callback","event":{"type":[]},"event_id":"E"}', "application/json"),
    (b'{"type":"event_callback","event":{"type":"app_mention","user":5},"event_id":"E"}', "application/json"),
    (b'{"type":"block_actions","user":"U"}', "application/json"),
    (b'{"type":"block_actions","user":{"id":"U"},"actions":[]}', "application/json"),
    (b'{"type":"view_submission","user":{"id":"U"},"view":{"id":"V","state":7}}', "application/json"),
    (b'{"type":"something","event":"x"}', "application/json"),
    (b'{"type":"shortcut","enterprise":5}', "application/json"),
]


@pytest.mark.parametrize(("body", "kind"), MALFORMED)
async def test_a_malformed_body_is_answered_with_400(body: bytes, kind: str) -> None:
    async with office() as place:
        answer = await place.send(body, signed(place, body, kind=kind))
        assert answer.status == 400
        assert set(answer.body["error"]) == {"code", "message"}
        assert (await place.send(body, {"Content-Type": kind})).status == 401


async def test_a_body_over_one_mebibyte_is_answered_with_413() -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * (BODY_LIMIT // 16)

    async with office() as place:
        for body in (io.BytesIO(b"x" * (BODY_LIMIT + 1)), in_pieces()):
            assert (await place.send(body, {"Content-Type": FORM})).status == 413


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    """type user team channel event view actions container message response_url command text authorizations state
    private_metadata callback_id user_id event_id trigger_id id""".split()  # noqa: SIM905
)
KINDS = st.sampled_from(("event_callback", "block_actions", "view_submission", "view_closed", "shortcut", "other"))


@given(payload=st.dictionaries(KEYS, JSON, max_size=6), kind=KINDS)
@settings(max_examples=50, deadline=None)
def test_whatever_is_signed_is_read_or_refused(payload: dict[str, Any], kind: str) -> None:
    body = json.dumps({**payload, "type": kind}).encode()
    try:
        read = payloads.decode(body, "application/json")
    except payloads.Malformed:
        return
    assert read["type"] == kind


async def test_signed_nonsense_never_breaks_the_door() -> None:
    async with office() as place:
        for index, nonsense in enumerate(_nonsense()):
            body = json.dumps({"n": index, **nonsense}).encode()
            answer = await place.send(body, signed(place, body, kind="application/json"))
            assert answer.status in (200, 400), (nonsense, answer)


def _nonsense() -> list[dict[str, Any]]:
    """Every key of every kind of payload with a value of a wrong type."""
    kinds = ("event_callback", "block_actions", "view_submission", "view_closed", "shortcut", "message_action")
    keys = (
        "user",
        "team",
        "channel",
        "event",
        "view",
        "actions",
        "container",
        "message",
        "enterprise",
        "authorizations",
    )
    values: tuple[Any, ...] = (5, "x", [], {}, [5], None)
    return [{"type": kind, key: value} for kind in kinds for key in keys for value in values]


# what needs no person


async def test_slack_can_verify_the_address() -> None:
    async with office() as place:
        answer = await send_event(place, slack_payloads.url_verification_payload("c0ffee"))
        assert answer.body == {"challenge": "c0ffee"}


async def test_slack_can_check_the_certificate() -> None:
    async with office() as place:
        assert (await place.send(b"ssl_check=1&token=x", {"Content-Type": FORM})).ok
        async with place.slack.session.get(place.url, params={"ssl_check": "1"}) as response:
            assert response.status == 200
        assert (await place.send(b"ssl_check=1&command=%2Fticket", {"Content-Type": FORM})).status == 401


def _fixtures() -> list[Path]:
    return sorted(FIXTURES.glob("*.json"))


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the captured payloads are not there")
async def test_every_captured_payload_is_taken() -> None:
    async with office() as place:
        for path in _fixtures():
            payload = json.loads(path.read_text())["payload"]
            raw, event = payload.get("__raw__"), payload.get("type") in ("event_callback", "url_verification")
            body = (
                raw.encode() if raw else json.dumps(payload).encode() if event else slack_payloads.interaction(payload)
            )
            answer = await place.send(body, signed(place, body, kind="application/json" if event else FORM))
            assert answer.ok, (path.name, answer)


# events that come again


async def test_an_event_that_comes_again_is_done_once() -> None:
    async with office() as place:
        for retry in range(3):
            answer = await send_event(place, mention(), **({"X-Slack-Retry-Num": str(retry)} if retry else {}))
            assert answer.ok
            place.slack.clock.now += 70 * retry
        assert len(place.dispatch.calls) == 1
        assert len(place.calls("chat.postMessage")) == 1


async def test_a_retry_during_the_work_waits_for_it() -> None:
    async with office() as place:
        going = asyncio.Event()

        async def slowly(call: object) -> View:
            await going.wait()
            return Said("message.noted", {"ticket_id": 42})

        place.dispatch.scripts["note"] = slowly
        first = asyncio.create_task(send_event(place, mention()))
        await until(lambda: place.dispatch.calls)
        second = asyncio.create_task(send_event(place, mention()))
        await asyncio.sleep(0.02)
        assert not second.done()
        going.set()
        assert [(await answer).status for answer in (first, second)] == [200, 200]
        assert len(place.dispatch.calls) == 1


async def test_an_event_whose_process_died_is_done_by_the_next_attempt() -> None:
    async with office() as place:
        # The process died between its claim and the end of its work.
        assert await place.seen.first_time("slack:event:Ev1", 30)
        assert (await send_event(place, mention())).status == 503
        assert not place.dispatch.calls
        place.slack.clock.now += 60
        assert (await send_event(place, mention())).ok
        assert len(place.dispatch.calls) == 1


async def test_nothing_is_taken_while_the_memory_cannot_be_written() -> None:
    async with office() as place:
        place.seen.broken = True
        body = slack_payloads.form(COMMAND)
        answer = await place.send(body, signed(place, body))
        assert answer.status == 503
        assert (await send_event(place, mention())).status == 503
        assert not place.dispatch.calls


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B0DESKBELL"},
        {"user": "U0DESKBELL"},
        {"user": None},
        {"type": "message", "channel_type": "channel"},
        {"type": "message", "channel_type": "im", "subtype": "message_changed"},
        {"type": "message", "channel_type": "im", "bot_id": "B1"},
        {"type": "reaction_added"},
        {"type": "team_join", "user": {"id": "U1"}},
    ],
)
async def test_what_bots_write_and_what_is_not_for_us_is_taken_and_ignored(event: dict[str, Any]) -> None:
    async with office() as place:
        await send_event(place, mention("Ev0"))
        await until(lambda: place.calls("auth.test"))
        body = mention("Ev1")
        body["event"] |= event
        assert (await send_event(place, body)).ok
        assert len(place.dispatch.calls) == 1


async def test_a_command_is_answered_within_a_few_milliseconds() -> None:
    async with office() as place:
        kim = place.person()
        await kim.command("/ticket", "list", "it-support")
        took = []
        for _ in range(50):
            started = time.perf_counter()
            await kim.command("/ticket", "list", "it-support")
            took.append(time.perf_counter() - started)
        # Bolt's own poll alone would be 10 ms.
        assert sorted(took)[25] < 0.008
