"""Dead letters: deliveries that were not understood, their bodies shown safely, and the button that tries again."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import msgspec
from aiohttp import hdrs, web

from bot.console.entrance import Entrance, Visitor, see
from bot.console.pages import HEADERS, Page, asked_number, whole
from core.desk.desk import Desk
from core.errors import NotFound
from core.model import Receipt
from core.store import queries

_PAGE = 50
_SHOWN = 64 * 1024
# Control characters and those that turn the direction of text: shown by their number, so that nothing hides.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class DeadLetters:
    def __init__(self, desk: Desk, entrance: Entrance) -> None:
        self._desk = desk
        self._entrance = entrance

    def add_routes(self, app: web.Application) -> None:
        admit = self._entrance.admit
        app.router.add_get("/dead-letters", admit(self.list))
        app.router.add_get("/dead-letters/{id}", admit(self.show))
        app.router.add_get("/dead-letters/{id}/body", admit(self.download))
        app.router.add_post("/dead-letters/{id}/replay", admit(self.replay))

    async def list(self, request: web.Request, visitor: Visitor) -> web.Response:
        before = whole(request.query.get("cursor", ""))
        rows = await self._desk.database.read(lambda connection: queries.dead_letters(connection, _PAGE + 1, before))
        shown = rows[:_PAGE]
        return visitor.page.respond(
            "letters.html", letters=shown, cursor=shown[-1].id if len(rows) > _PAGE else None, problem_of=_problem_of
        )

    async def show(self, request: web.Request, visitor: Visitor) -> web.Response:
        row = await self._letter(request)
        return visitor.page.respond(
            "letter.html",
            letter=row,
            problem=_problem_of(row),
            size=len(row.body),
            body=readable(row.body[:_SHOWN]),
            is_cut=len(row.body) > _SHOWN,
        )

    async def download(self, request: web.Request, visitor: Visitor) -> web.Response:
        """The body byte for byte, as a file that no browser opens by itself."""
        row = await self._letter(request)
        name = f"dead-letter-{row.id}.bin"
        headers = {**HEADERS, hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}
        return web.Response(body=row.body, content_type="application/octet-stream", headers=headers)

    async def replay(self, request: web.Request, visitor: Visitor) -> web.Response:
        letter_id = asked_number(request, "dead_letter")
        receipt = await self._desk.intake.replay(letter_id)
        response = see(f"/dead-letters/{letter_id}" if receipt.problem else "/dead-letters")
        self._entrance.tell_next(request, response, _told(receipt, visitor.page))
        return response

    async def _letter(self, request: web.Request) -> Any:
        letter_id = asked_number(request, "dead_letter")
        row = await self._desk.database.read(lambda connection: queries.dead_letter(connection, letter_id))
        if row is None:
            raise NotFound(what="dead_letter", id=letter_id)
        return row


def _told(receipt: Receipt, page: Page) -> str:
    if receipt.problem is not None:
        return page.words.text("console.letters.failed", why=receipt.problem.message)
    tickets = ", ".join(f"#{number}" for number in receipt.tickets)
    key = "console.letters.replayed" if tickets else "console.letters.replayed_none"
    return page.words.text(key, tickets=tickets)


def _problem_of(row: Any) -> dict[str, str]:
    problem: dict[str, str] = (row.receipt or {}).get("problem") or {"code": "", "message": "", "path": ""}
    return problem


def readable(body: bytes) -> str:
    """A body as text: JSON with line breaks, what is not UTF-8 as ``\\xff``, what cannot be seen as ``\\u202e``."""
    with contextlib.suppress(msgspec.MsgspecError, RecursionError, ValueError):  # Not JSON, or cut off: as it came.
        body = msgspec.json.format(body, indent=2)
    text = body.decode("utf-8", "backslashreplace")
    return _HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))
