"""The console: pages for operators and for whoever follows a link from chat. No scripts, no files from elsewhere."""

from __future__ import annotations

from aiohttp import hdrs, web

from bot.commands.call import Dispatcher
from bot.console.entrance import Entrance
from bot.console.letters import DeadLetters
from bot.console.login import Login
from bot.console.pages import STYLE
from bot.console.tickets import Tickets
from core.desk.desk import Desk


def add_console_routes(app: web.Application, desk: Desk, dispatch: Dispatcher, open_access: bool = False) -> None:
    """``open_access`` lets in everybody who comes from this machine, without a token: for the demo."""
    entrance = Entrance(desk, open_access=open_access)
    Login(desk, entrance).add_routes(app)
    Tickets(desk, dispatch, entrance).add_routes(app)
    DeadLetters(desk, entrance).add_routes(app)
    app.router.add_get("/static/console.css", _style)


async def _style(_: web.Request) -> web.StreamResponse:
    headers = {hdrs.CACHE_CONTROL: "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return web.FileResponse(STYLE, headers=headers)
