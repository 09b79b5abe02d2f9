"""The forms that commands share: which fields, which choices, what is filled in already."""

from __future__ import annotations

from enum import Enum

from bot.commands.call import Call
from core.commands import TEXT_LIMIT, TITLE_LIMIT
from core.desk.desk import Desk
from core.views import Field, Form, Option

AREA = 3000  # Slack takes no longer text in one field.


def options(kind: type[Enum]) -> tuple[Option, ...]:
    prefix = kind.__name__.lower()
    return tuple(Option(str(member.value), label_key=f"{prefix}.{member.value}") for member in kind)


def people(desk: Desk) -> tuple[Option, ...]:
    return tuple(Option(person.id, label=person.name) for person in desk.settings.people)


def systems(desk: Desk) -> tuple[Option, ...]:
    """The catalogue. A name with a comma cannot be told apart in a list of names, and is left to be typed elsewhere."""
    return tuple(Option(system.name, label=system.name) for system in desk.settings.systems if "," not in system.name)


async def of_ticket(desk: Desk, call: Call, name: str, *fields: Field) -> Form:
    """A form about the ticket that was clicked. Raises ``NotFound``."""
    ticket = await desk.ticket(call.ticket_id or 0)
    return Form(
        name=name,
        title_key=f"form.{name}.title",
        submit_key=f"form.{name}.submit",
        fields=fields,
        ticket_id=ticket.id,
        ticket_title=ticket.title,
        context={"v": str(ticket.version)},
    )


def text_area(name: str, *, required: bool = False, initial: str | None = None) -> Field:
    return Field(
        name, "multiline", f"field.{name}", required=required, initial=initial, max_length=min(AREA, TEXT_LIMIT)
    )


def title(initial: str | None = None) -> Field:
    return Field("title", "text", "field.title", required=True, initial=initial, max_length=TITLE_LIMIT)
