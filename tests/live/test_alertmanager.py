"""A real rule of a real Prometheus, through a real Alertmanager and a real ``deskbell serve``, to a card in Slack.

Alertmanager runs with the receiver of docs/alertmanager.md, read from the page.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack_records import Message
from tests.live.chat import Chat, chat
from tests.live.monitoring import PROGRAMS, Monitoring, monitoring, require, ring
from tests.live.service import Deskbell, deskbell, until

pytestmark = pytest.mark.timeout(90)
CHANNELS = ("it-support", "general", "it-alerts")
FULL, FREE = 0.02, 0.9
RECOVERED = "All alerts have recovered, so the ticket was resolved automatically."


class Station:
    """Watched hosts, the desk and the chat."""

    def __init__(self, desk: Deskbell, slack: Chat, watch: Monitoring) -> None:
        self.desk, self.slack, self.watch = desk, slack, watch

    async def ticket(self, host: str, status: str) -> dict[str, Any]:
        """The one ticket of a host, as soon as it has this status."""

        async def found() -> dict[str, Any] | None:
            title = f"/ of {host}:9100 is almost full"
            mine = [ticket for ticket in await self.desk.tickets() if ticket["title"] == title]
            assert len(mine) < 2, mine
            return mine[0] if mine and mine[0]["status"] == status else None

        ticket = await until(found, f"one ticket of {host} that is {status}")
        assert ticket is not None
        return ticket

    async def counts(self, ticket: dict[str, Any], least: int) -> None:
        """Wait until so many messages of the ticket's only alert were counted."""

        async def enough() -> bool:
            (alert,) = (await self.desk.api(f"/tickets/{ticket['id']}"))["alerts"]
            return bool(alert["count"] >= least)

        await until(enough, f"{least} messages")

    async def card(self, ticket: dict[str, Any], channel: str, text: str) -> Message:
        """The one card of a ticket in a channel, as soon as it shows ``text``."""

        async def found() -> Message | None:
            title = f"#{ticket['id']}*"
            mine = [card for card in self.slack.cards(channel) if title in _shown(card)]
            assert len(mine) < 2, mine
            return mine[0] if mine and text in _shown(mine[0]) else None

        card = await until(found, f"one card of {ticket['id']} in {channel} that shows {text!r}")
        assert card is not None
        return card

    async def in_alertmanager(self, host: str, there: bool) -> None:
        async def found() -> bool:
            return (f"{host}:9100" in await self.watch.firing()) is there

        await until(found, f"Alertmanager {'holds' if there else 'has dropped'} the alert of {host}")

    async def tries(self, more: int) -> None:
        """Wait until Alertmanager has tried so many more times to reach the desk."""
        before = await self.watch.attempts()

        async def tried() -> bool:
            return await self.watch.attempts() >= before + more

        await until(tried, "Alertmanager tries to notify")


def _shown(card: Message) -> str:
    return json.dumps(card.blocks, ensure_ascii=False)


@asynccontextmanager
async def station(folder: Path, *, basic: bool = False) -> AsyncIterator[Station]:
    require(*PROGRAMS)
    async with chat(*CHANNELS) as slack, deskbell(folder, None, slack.api_url) as desk:
        address = f"http://127.0.0.1:{desk.port}"
        async with monitoring(folder / "monitoring", address, basic=basic) as watch:
            yield Station(desk, slack, watch)


async def test_a_rule_that_fires_is_one_ticket_and_one_card_until_the_metric_recovers(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        here.watch.disk("db-1", FULL)
        opened = await here.ticket("db-1", "new")
        assert (opened["priority"], opened["source"], opened["team"]) == ("critical", "alertmanager", "platform")
        assert opened["sla"]["state"] == "running"
        card = await here.card(opened, "it-support", "Assign to me")
        await here.card(opened, "general", "Assign to me")
        await here.counts(opened, 3)
        assert here.slack.thread("it-support", card) == []
        here.watch.disk("db-1", FREE)
        resolved = await here.ticket("db-1", "resolved")
        assert resolved["id"] == opened["id"]
        edited = await here.card(resolved, "it-support", "Resolved")
        assert (edited.ts, "Assign to me" in _shown(edited)) == (card.ts, False)

        async def story() -> bool:
            return RECOVERED in " ".join(here.slack.thread("it-support", card))

        await until(story, "the thread tells the recovery")
        kinds = [kind for kind in await here.desk.kinds(opened["id"]) if kind != "alert.repeated"]
        assert kinds == ["ticket.created", "alert.fired", "alert.resolved", "ticket.resolved"]


async def test_an_outage_of_the_desk_loses_neither_an_alert_nor_a_recovery(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        here.watch.disk("db-1", FULL)
        first = await here.ticket("db-1", "new")
        await here.desk.stop()
        here.watch.disk("db-1", FREE)
        here.watch.disk("db-2", FULL)
        await here.in_alertmanager("db-1", there=False)
        await here.in_alertmanager("db-2", there=True)
        await here.tries(3)
        await here.desk.start()
        assert (await here.ticket("db-1", "resolved"))["id"] == first["id"]
        second = await here.ticket("db-2", "new")
        await here.card(first, "it-support", "Resolved")
        await here.card(second, "it-support", "Assign to me")


async def test_of_two_alerts_in_a_firing_group_the_one_that_is_over_resolves_its_ticket(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        here.watch.disk("db-1", FULL)
        here.watch.disk("db-2", FULL)
        await here.ticket("db-1", "new")
        staying = await here.ticket("db-2", "new")
        here.watch.disk("db-1", FREE)
        await here.ticket("db-1", "resolved")
        await here.counts(staying, 4)
        assert (await here.ticket("db-2", "new"))["id"] == staying["id"]
        bodies = [json.loads(body) for (body,) in here.desk.rows("SELECT body FROM journal")]
        mixed = [body for body in bodies if {alert["status"] for alert in body["alerts"]} == {"firing", "resolved"}]
        assert mixed, "Alertmanager never sent both in one message"
        assert {body["status"] for body in mixed} == {"firing"}


async def test_a_silence_holds_the_recovery_back_until_it_ends(tmp_path: Path) -> None:
    async with station(tmp_path) as here:
        here.watch.disk("db-1", FULL)
        await here.ticket("db-1", "new")
        held, hidden = await here.watch.silence("db-1"), await here.watch.silence("db-2")
        here.watch.disk("db-1", FREE)
        here.watch.disk("db-2", FULL)
        here.watch.disk("db-3", FULL)
        await here.in_alertmanager("db-1", there=False)
        await here.in_alertmanager("db-2", there=True)
        await here.counts(await here.ticket("db-3", "new"), 2)
        await here.ticket("db-1", "new")
        assert len(await here.desk.tickets()) == 2
        await here.watch.end_silence(held)
        await here.watch.end_silence(hidden)
        await here.ticket("db-1", "resolved")
        await here.ticket("db-2", "new")


async def test_when_prometheus_falls_silent_the_ticket_is_resolved_and_opened_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with station(tmp_path) as here:
        here.watch.disk("db-1", FULL)
        opened = await here.ticket("db-1", "new")
        await here.watch.prometheus.stop()
        await here.ticket("db-1", "resolved")
        await here.watch.start_prometheus()
        assert (await here.ticket("db-1", "new"))["id"] == opened["id"]


async def test_basic_authentication_does_too_and_prometheus_reads_the_metrics(tmp_path: Path) -> None:
    async with station(tmp_path, basic=True) as here:
        here.watch.disk("db-1", FULL)
        await here.card(await here.ticket("db-1", "new"), "it-support", "Assign to me")
        await ring(here.watch)

        async def rung() -> bool:
            return "Is this bell on?" in [ticket["title"] for ticket in await here.desk.tickets()]

        await until(rung, "the alert that the page rings with")

        async def scraped() -> bool:
            up = await here.watch.prometheus.call("GET", '/api/v1/query?query=up{job="deskbell"}')
            return [result["value"][1] for result in up["data"]["result"]] == ["1"]

        await until(scraped, "Prometheus reads /metrics")
