"""``list``: tickets by filters and free text, a page at a time."""

from __future__ import annotations

from msgspec.structs import replace

from bot.commands import reading
from bot.commands.call import Call
from bot.commands.registry import command
from core.desk.desk import Desk
from core.errors import BadField
from core.model import Category, Priority, Status
from core.store.queries import OPEN_STATUSES, TicketFilter
from core.views import View

_PAGE = 10


@command(
    "list",
    "list [mine | team] [status:new] [priority:high] [assignee:@…] [system:…] [all] [text]",
    actions=("list_page",),
)
async def listing(desk: Desk, call: Call) -> View:
    wanted = TicketFilter(statuses=OPEN_STATUSES, limit=_PAGE)
    asked: list[str] = []
    free: list[str] = []
    text = call.text or call.fields.get("query", "")
    if cursor := call.fields.get("cursor"):
        wanted = await _filter(desk, call, wanted, "page", cursor)
    for word in text.split():
        name, colon, value = word.partition(":")
        if colon and name in _FILTERS and value:
            wanted = await _filter(desk, call, wanted, name, value)
        elif word.lower() in ("mine", "내", "내것"):
            wanted = replace(wanted, assignees=(call.by.id,))
        elif word.lower() in ("team", "팀"):
            if call.by.team is None:
                raise BadField(field="team", why="required")
            wanted = replace(wanted, team=call.by.team)
        elif word.lower() in ("all", "전체"):
            wanted = replace(wanted, statuses=())
        elif word.lower() in ("open", "열린"):
            wanted = replace(wanted, statuses=OPEN_STATUSES)
        else:
            free.append(word)
        if name != "page":
            asked.append(word)
    if free:
        wanted = replace(wanted, q=" ".join(free))
    return await desk.listing(wanted, " ".join(asked))


_FILTERS = frozenset({"status", "priority", "category", "assignee", "system", "source", "team", "page"})


async def _filter(desk: Desk, call: Call, wanted: TicketFilter, name: str, value: str) -> TicketFilter:
    words = call.words
    match name:
        case "status":
            status = [reading.choice(Status, part, "status", words) for part in value.split(",")]
            return replace(wanted, statuses=tuple(status))
        case "priority":
            priority = [reading.choice(Priority, part, "priority", words) for part in value.split(",")]
            return replace(wanted, priorities=tuple(priority))
        case "category":
            return replace(wanted, category=reading.choice(Category, value, "category", words).value)
        case "assignee":
            found = await reading.person(desk, call, value, "assignee")
            return replace(wanted, assignees=(found.id,))
        case "page":
            return replace(wanted, before=reading.whole_number(value, "cursor", 1, 10**15))
        case _:
            return replace(wanted, **{name: value})
