"""Slack misbehaves in every way that it can, and at the end everything was told, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.demo.faults import FaultKind
from tests.live.chat import chat
from tests.live.service import Deskbell, alert, deskbell, until

# Each is met by one message; the two silent ones take as long as Deskbell waits for an answer.
FAULTS = (
    FaultKind.RATE_LIMITED,
    FaultKind.SERVER_ERROR,
    FaultKind.BAD_GATEWAY,
    FaultKind.SILENT,
    FaultKind.SILENT_AFTER,
    FaultKind.DROP_BEFORE,
    FaultKind.DROP_AFTER,
)
CHANNELS = tuple(f"team-{number}" for number in range(len(FAULTS)))
CARDS: list[dict[str, Any]] = [
    {
        "name": f"card_{number}",
        "on": ["ticket.created"],
        "when": f"ticket.team == '{name}'",
        "to": [f"slack:#{name}"],
        "show": "card",
    }
    for number, name in enumerate(CHANNELS)
]
STORY = {"name": "story", "on": ["ticket.resolved"], "to": ["cards"], "show": "thread"}


async def told(desk: Deskbell, **sent: int) -> None:
    """Wait until so many notices of each kind are sent and none is on its way."""

    async def all_told() -> bool:
        found = {(show, state): count for show, state, count in desk.rows(_TOLD)}
        return found == {(show, "sent"): count for show, count in sent.items()}

    await until(all_told, f"{sent} told", 90)


_TOLD = "SELECT show, state, count(*) FROM notice GROUP BY show, state"


@pytest.mark.timeout(200)
async def test_whatever_slack_does_each_message_is_there_once(tmp_path: Path) -> None:
    async with chat(*CHANNELS) as slack, deskbell(tmp_path, {"notifications": [*CARDS, STORY]}, slack.api_url) as desk:
        faults, count = slack.stand_in.faults, len(CHANNELS)
        for fault in FAULTS:
            faults.add("chat.postMessage", fault)
        faults.add("conversations.history", FaultKind.DROP_BEFORE)
        await desk.post([alert(name, team=name) for name in CHANNELS])
        await told(desk, card=count)
        assert [len(slack.cards(name)) for name in CHANNELS] == [1] * count

        for fault in FAULTS:
            faults.add("chat.postMessage", fault)
            faults.add("chat.update", fault)
        for ticket in await desk.tickets():
            await desk.api(f"/tickets/{ticket['id']}/resolve", "POST", json={"resolution": "mended"})
        await told(desk, card=count, thread=count, edit=count)
        for name in CHANNELS:
            (card,) = slack.cards(name)
            (reply,) = slack.thread(name, card)
            assert "mended" in reply
            assert "Resolved" in str(card.blocks)

        log = [notice for ticket in await desk.tickets() for notice in await desk.told(ticket["id"])]
        outcomes = {attempt["outcome"] for notice in log for attempt in notice["attempts"]}
        assert outcomes == {"sent", "found", "retry", "unknown"}
        assert (faults.take("chat.postMessage"), faults.take("chat.update")) == (None, None)
        await desk.stop()
