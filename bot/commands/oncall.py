"""``oncall``: who is on call now, and who takes over when."""

from __future__ import annotations

from bot.commands.call import Call
from bot.commands.registry import command
from core.desk.desk import Desk
from core.views import OnCallList, View


@command("oncall", "oncall")
async def oncall(desk: Desk, call: Call) -> View:
    return OnCallList(desk.policy.rota(desk.clock.now()))
