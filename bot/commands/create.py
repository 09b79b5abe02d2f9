"""``create``: a new ticket, from words, from a form or from a message."""

from __future__ import annotations

from msgspec.structs import replace

from bot.commands import forms, reading, request
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.errors import BadField, NotAllowed
from core.model import Category, PersonRef, Priority, Tier
from core.rules import access
from core.views import Field, Form, Message, View

_USERS = 10_000_000


# Where a request came from is written down; what was quoted is in the ticket, and who asked is its requester.
_NOT_ORIGIN = ("quote", "requester")


async def form(desk: Desk, call: Call) -> Form:
    drafted = request.draft(call.place.get("quote", ""))
    assignee = Field("assignee", "person", "field.assignee", options=forms.people(desk))
    return Form(
        name="create",
        title_key="form.create.title",
        submit_key="form.create.submit",
        fields=(
            forms.title(initial=call.text.strip()[: c.TITLE_LIMIT] or drafted["title"] or None),
            forms.text_area("description", initial=drafted["description"][: forms.AREA] or None),
            Field("category", "select", "field.category", initial=Category.INCIDENT, options=forms.options(Category)),
            Field("priority", "select", "field.priority", initial=Priority.MEDIUM, options=forms.options(Priority)),
            Field("affected_users", "number", "field.affected_users", minimum=0, maximum=_USERS),
            Field("customer", "text", "field.customer", max_length=100),
            Field("customer_tier", "select", "field.customer_tier", options=forms.options(Tier)),
            _systems(desk),
            *([assignee] if _may_assign(desk, call) else []),
        ),
        context={name: call.place[name] for name in ("permalink",) if name in call.place},
    )


def _systems(desk: Desk) -> Field:
    known = forms.systems(desk)
    if not known:
        return Field("systems", "text", "field.systems", max_length=200, hint_key="field.systems_hint")
    return Field("systems", "systems", "field.systems", options=known)


def _may_assign(desk: Desk, call: Call) -> bool:
    return access.is_agent(call.by, desk.settings.access.agents)


@command("create", "create [title]", form=form, form_after=0)
async def create(desk: Desk, call: Call) -> View:
    if not call.submitted and not call.text.strip():
        return await form(desk, call)
    wanted = call.fields.get("assignee") or ""
    if wanted and not _may_assign(desk, call):
        raise NotAllowed(verb="assign")
    assignee = await reading.person(desk, call, wanted, "assignee") if wanted else None
    asked = replace(_asked(desk, call, await _requester(desk, call)), assignee=assignee)
    ticket = await desk.work.open(asked, call.by, call.origin, once=call.once)
    return Message("message.created", {"ticket_id": ticket.id, "title": ticket.title}, ticket_id=ticket.id)


async def _requester(desk: Desk, call: Call) -> PersonRef | None:
    """Who wrote the message that the ticket is made from, if that is somebody known."""
    found = await desk.people.person(call.place["requester"]) if "requester" in call.place else None
    return found.ref if found is not None else None


def _asked(desk: Desk, call: Call, requester: PersonRef | None) -> c.Open:
    fields, words = call.fields, call.words
    title = (fields.get("title") or ("" if call.submitted else call.text)).strip()
    if not title:
        raise BadField(field="title", why="required")
    category, priority, tier = fields.get("category"), fields.get("priority"), fields.get("customer_tier")
    customer, users = (fields.get("customer") or "").strip(), (fields.get("affected_users") or "").strip()
    known_tier = reading.choice(Tier, tier, "customer_tier", words) if tier else None
    return c.Open(
        title=title,
        description=(fields.get("description") or "").strip(),
        category=reading.choice(Category, category, "category", words) if category else Category.INCIDENT,
        priority=reading.choice(Priority, priority, "priority", words) if priority else None,
        affected_users=reading.whole_number(users, "affected_users", 0, _USERS) if users else None,
        customer=desk.policy.customer(customer, known_tier) if customer else None,
        systems=tuple(dict.fromkeys(s.strip() for s in (fields.get("systems") or "").split(",") if s.strip())),
        requester=requester,
        origin={name: value for name, value in call.place.items() if name not in _NOT_ORIGIN and name[:1] != "_"},
    )
