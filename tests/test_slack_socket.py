"""Socket Mode is as good as HTTP: the same people, the same promises, through the WebSocket of a strict Slack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.commands.call import Call
from bot.demo.faults import FaultKind
from bot.slack import socket_transport
from core.views import View
from tests.door_fakes import FakeDirectory
from tests.slack_office import Office, office, settings_for, until
from tests.slack_samples import CARD, DONE, NOTE
from tests.stand_in_slack import Slack
from tests.test_slack_http import mention


@asynccontextmanager
async def connected(**slack: Any) -> AsyncIterator[Office]:
    async with office(signing_secret=None, app_token="xapp-demo", **slack) as place:
        await until(lambda: place.slack.stand_in.sockets.connections)
        yield place


async def test_everything_works_through_the_socket() -> None:
    async with connected() as place:
        kim = place.person(socket=True)
        place.dispatch.scripts |= {"show": CARD, "note": lambda call: DONE if call.submitted else NOTE}
        answer = await kim.command("/ticket", "show 42", "it-support")
        assert answer.body["response_type"] == "ephemeral"
        await kim.click("C0DESK", (await place.post()).ts, "resolve")
        await kim.command("/ticket", "note 42", "it-support")
        assert (await kim.submit(place.modal().id, {})).body == {"response_action": "clear"}
        await kim.say("<@U0DESKBELL> show 42", "it-support")
        assert [call.name for call in place.dispatch.calls] == ["show", "resolve", "note", "note", "show"]
        assert not place.wrongs()


async def test_an_event_that_comes_again_is_done_once() -> None:
    async with connected() as place:
        for retry in range(2):
            await place.slack.stand_in.sockets.deliver("events_api", mention(), retry=retry)
        assert len(place.dispatch.calls) == 1


async def test_the_socket_is_renewed_when_slack_asks_for_it() -> None:
    async with connected() as place:
        before = place.slack.stand_in.sockets.connections[0]
        await place.slack.stand_in.sockets.disconnect()
        await until(lambda: place.slack.stand_in.sockets.connections not in ([], [before]))
        await until(lambda: before.closed)
        assert (await place.person(socket=True).command("/ticket", "list", "it-support")).ok


async def test_starting_does_not_need_slack_to_be_up() -> None:
    slack = Slack()
    await slack.start()
    slack.stand_in.faults.add("apps.connections.open", FaultKind.SILENT, times=None)
    place = Office(slack, settings_for(slack.url, app_token="xapp-demo"), FakeDirectory())
    await asyncio.wait_for(place.start(), 1)
    assert (await place.person().command("/ticket", "list", "it-support")).ok
    await asyncio.wait_for(place.stop(), 2)
    await slack.stop()


async def test_closing_acknowledges_what_is_under_way_and_takes_nothing_more() -> None:
    async with connected() as place:
        going = asyncio.Event()

        async def slowly(call: Call) -> View:
            await going.wait()
            return DONE

        place.dispatch.scripts["note"] = slowly
        kim = place.person(socket=True)
        answer = asyncio.create_task(kim.command("/ticket", "note 42 x", "it-support"))
        await until(lambda: place.dispatch.calls)
        closing = asyncio.create_task(place.door.close())
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await place.slack.stand_in.sockets.deliver("events_api", mention(), within=0.05)
        going.set()
        assert (await answer).ok
        await closing
        assert len(place.dispatch.calls) == 1
        assert not place.slack.stand_in.sockets.connections


async def test_what_opens_the_socket_stands_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected() as place:
        await place.person(socket=True).command("/ticket", "list", "it-support")
        logger = logging.getLogger(socket_transport.LOGGER)
        logger.error("Failed to connect (error: 403, url='wss://x/link/?ticket=abc-1&app_id=A0'); xapp-1-A0 xoxb-2-B")
    assert "ticket=[secret]&app_id=A0" in caplog.text
    for secret in ("xoxb-", "xapp-", "abc-1"):
        assert secret not in caplog.text
