"""``create``: a new ticket, from words, from a form or from a message."""

from __future__ import annotations

from bot.commands import forms, reading
from bot.commands.call import Call
from bot.commands.registry import command
from core import commands as c
from core.desk.desk import Desk
from core.errors import BadField
from core.model import Category, Priority, Tier
from core.views import Field, Form, Message, View

_USERS = 10_000_000


async def form(desk: Desk, call: Call) -> Form:
    quote = call.place.get("quote", "")
    first_line = quote.strip().split("\n", 1)[0][: c.TITLE_LIMIT] if quote else None
    return Form(
        name="create",
        title_key="form.create.title",
        submit_key="form.create.submit",
        fields=(
            forms.title(initial=call.text.strip()[: c.TITLE_LIMIT] or first_line),
            forms.text_area("description", initial=quote[:3000] or None),
            Field("category", "select", "field.category", initial=Category.INCIDENT, options=forms.options(Category)),
            Field("priority", "select", "field.priority", initial=Priority.MEDIUM, options=forms.options(Priority)),
            Field("affected_users", "number", "field.affected_users", minimum=0, maximum=_USERS),
            Field("customer", "text", "field.customer", max_length=100),
            Field("customer_tier", "select", "field.customer_tier", options=forms.options(Tier)),
            Field("systems", "text", "field.systems", max_length=200, hint_key="field.systems_hint"),
        ),
        context={name: call.place[name] for name in ("permalink",) if name in call.place},
    )


@command("create", "create [title]", form=form)
async def create(desk: Desk, call: Call) -> View:
    if not call.submitted and not call.text.strip():
        return await form(desk, call)
    ticket = await desk.work.open(_asked(desk, call), call.by, call.origin)
    return Message("message.created", {"ticket_id": ticket.id, "title": ticket.title}, ticket_id=ticket.id)


def _asked(desk: Desk, call: Call) -> c.Open:
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
        origin={name: value for name, value in call.place.items() if name != "quote" and not name.startswith("_")},
    )
