"""``overview``: one's own tickets, the team's, and those about to miss their promise; what Slack's Home tab shows."""

from __future__ import annotations

from bot.commands import reading
from bot.commands.call import Call
from bot.commands.registry import command
from core.desk.desk import Desk
from core.desk.home import Homes
from core.views import View

_PARTS = ("mine", "team", "breaching")


@command("overview", "overview")
async def overview(desk: Desk, call: Call) -> View:
    """A button that turns the page of one part says which; the pages of the others come with it."""
    turned = {name: call.fields[name] for name in _PARTS if call.fields.get(name)}
    pages = {name: reading.whole_number(page, "cursor", 0, 10**5) for name, page in turned.items()}
    return await Homes(desk, desk.policy.on_call).home(call.by, pages)
