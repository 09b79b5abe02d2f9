"""The question how it went, from its message to the figures, through the doors."""

from __future__ import annotations

from bot.demo.slack_records import Message
from core import commands as c
from core.model import Ticket
from tests.conftest import SetClock
from tests.console_browser import Browser, signed_in
from tests.running_service import Running
from tests.slack_desk import LEE, SlackDesk, slack_desk
from tests.slack_office import until


async def _asked(place: SlackDesk) -> tuple[Ticket, Message]:
    """A resolved ticket and the message that asks how it went."""
    ticket = await place.opened("VPN is down", customer_satisfaction_required=True)
    await place.desk.work.execute(ticket.id, c.Resolve(), LEE, "api")
    messages = place.slack.workspace.channels["C0DESK"].messages

    def asking() -> list[Message]:
        return [found for found in messages.values() if "rate_5" in str(found.blocks)]

    await until(lambda: bool(asking()))
    return ticket, asking()[0]


async def test_in_slack_a_rating_is_a_click_and_its_comment_a_form(clock: SetClock, database_url: str) -> None:
    async with slack_desk(clock, database_url) as place:
        ticket, question = await _asked(place)
        lee = place.person("U0LEE")
        assert (await lee.click("C0DESK", question.ts, "rate_2")).ok
        (thanks,) = place.slack.workspace.ephemerals.values()
        place.advance(seconds=2)
        assert (await lee.click("C0DESK", thanks.ts, "rate")).ok
        view = place.modal("U0LEE")
        assert view.content["callback_id"] == "rate"
        await lee.submit(view.id, {"score": {"value": "2"}, "comment": {"value": "It took *two* days <!channel>"}})
        rated = await place.desk.ticket(ticket.id)
        assert (rated.satisfaction, rated.satisfaction_comment) == (2, "It took *two* days <!channel>")
        assert not place.wrongs()


async def test_the_console_and_the_metrics_tell_how_people_found_the_service(service: Running) -> None:
    browser: Browser = await signed_in(service)
    assert "ratings" not in (await browser.get("/")).text
    for number, (team, score, said) in enumerate([("net", 5, "Quick"), (None, 1, "<b>never</b> again")], 1):
        await service.opened(**({"team": team} if team else {}))
        await service.api("POST", f"/tickets/{number}/resolve")
        await service.api("POST", f"/tickets/{number}/rate", {"score": score, "comment": said})
    page = (await browser.get("/")).text
    assert "of 5 from 2 ratings in 30 days, 50% low" in page
    assert "<td>Network</td><td>1</td><td>5</td><td>0%</td>" in page
    assert "&lt;b&gt;never&lt;/b&gt; again" in (await browser.get("/tickets/2")).text
    await service.service.jobs.measure()
    told = service.service.metrics.text().decode()
    assert 'deskbell_rating_mean{team="net"} 5.0' in told
    assert 'deskbell_rating_low_share{team=""} 1.0' in told
