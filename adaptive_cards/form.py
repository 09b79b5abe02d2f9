"""Forms: a dialog in Teams. Every input has its label, its limits and, after a refusal, what is wrong, at its place.

The client checks what it can (required, numbers in range) and says so in the catalogue's words; what only the server
knows comes back as ``form.errors``, with everything that was typed still there. So that it always can come back, the
long texts of a form share ``LONG_TEXT``, and in a card that would grow too large choices give way before typed text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from adaptive_cards.actions import submit
from adaptive_cards.card import Card, Rendered, fitted, framed
from adaptive_cards.elements import Element, choice, paragraph, remark, run
from adaptive_cards.text import Room, block, capital, line
from core.i18n import Words
from core.views import Field, FieldError, Form, Option

TEXT_LIMIT = 250
LONG_TEXT = 2600
CHOICES = 150
_RATINGS = tuple(Option(value=str(score), label_key=f"rating.{score}") for score in (1, 2, 3, 4, 5))

WIDTH = 600
_HEIGHTS = {"multiline": 130, "rating": 210}
_FRAME, _FIELD, _NOTE, _TALLEST = 130, 85, 30, 700


class Dialog(msgspec.Struct, frozen=True):
    """A Teams dialog: ``title`` is plain text, ``height`` and ``width`` are pixels."""

    title: str
    card: Card
    height: int
    width: int = WIDTH


def dialog(form: Form, words: Words) -> Dialog:
    """The form as a dialog. Raises ValueError if ``form.context`` alone is too large for a card."""
    title = words.text(form.title_key)
    card = fitted(lambda room: framed(_body(form, words, room), _summary(form, words), [_submit(form, words)]))
    return Dialog(title, card, _height(form))


def render(view: Form, words: Words) -> Rendered:
    """The same form as a message, where no dialog can be opened."""
    return Rendered(dialog(view, words).card, _summary(view, words))


def _summary(form: Form, words: Words) -> str:
    title = words.text(form.title_key)
    if form.ticket_id is None:
        return title
    return words.text("teams.titled", title=words.text("form.about", id=form.ticket_id), text=title)


def _submit(form: Form, words: Words) -> Element:
    data: dict[str, str | int] = {**form.context, "form": form.name}
    if form.ticket_id is not None:
        data["ticket_id"] = form.ticket_id
    return submit(words.text(form.submit_key), data)


def _height(form: Form) -> int:
    notes = (
        sum(field.hint_key is not None for field in form.fields) + len(form.errors) + (form.ticket_title is not None)
    )
    inputs = sum(_HEIGHTS.get(field.kind, _FIELD) for field in form.fields)
    return min(_TALLEST, _FRAME + inputs + _NOTE * notes)


def _body(form: Form, words: Words, room: Room) -> list[Element]:
    body: list[Element] = []
    if form.ticket_id is not None:
        about = run(words.text("form.about", id=form.ticket_id), weight="bolder")
        title = room.line(form.ticket_title or "", 200)
        body.append(paragraph(about, *([f" {title}"] if title else [])))
    if form.errors:
        body.append(_alarm(words.text("form.errors")))
    fields = _limited(form.fields)
    known = {field.name for field in fields}
    body += [_error(error, words, room) for error in form.errors if error.field not in known]
    for field in fields:
        body += _field(field, form.errors, words, room)
    return body


def _limited(fields: tuple[Field, ...]) -> list[Field]:
    """The fields, each with the length that a text in it may have."""
    long = LONG_TEXT // max(1, sum(field.kind == "multiline" for field in fields))
    most = {"multiline": max(TEXT_LIMIT, long)}
    return [
        msgspec.structs.replace(field, max_length=min(field.max_length or LONG_TEXT, most.get(field.kind, TEXT_LIMIT)))
        for field in fields
    ]


def _field(field: Field, errors: tuple[FieldError, ...], words: Words, room: Room) -> Iterator[Element]:
    made = _KINDS[field.kind](field, words, room)
    made |= {"id": field.name, "label": words.text(field.label_key)}
    if field.required:
        made["isRequired"] = True
    if "errorMessage" not in made and field.required:
        made["errorMessage"] = words.text("error.field.required")
    yield made
    yield from (_error(error, words, room) for error in errors if error.field == field.name)
    if field.hint_key:
        yield remark(words.text(field.hint_key), spacing="none")
    if "choices" in made and len(made["choices"]) < len(field.options):
        yield remark(words.text("teams.more_choices", n=words.number(len(made["choices"]))), spacing="none")


def _error(error: FieldError, words: Words, room: Room) -> Element:
    return _alarm(words.text("teams.wrong", why=room.say(words, error.key, error.facts)))


def _alarm(text: str) -> Element:
    return paragraph(run(f"⚠ {text}", color="attention", weight="bolder"), spacing="small")


def _text(field: Field, words: Words, room: Room) -> Element:
    limit = field.max_length or TEXT_LIMIT
    value = line(field.initial or "", _kept(limit, room))
    return {"type": "Input.Text", "maxLength": limit} | ({"value": value} if value else {})


def _multiline(field: Field, words: Words, room: Room) -> Element:
    limit = field.max_length or LONG_TEXT
    value = block(field.initial or "", _kept(limit, room), lines=limit)
    return {"type": "Input.Text", "isMultiline": True, "maxLength": limit} | ({"value": value} if value else {})


def _kept(limit: int, room: Room) -> int:
    """What was typed stays whole until everything else has given way."""
    return max(8, int(limit * min(1.0, room.share * 32)))


def _number(field: Field, words: Words, room: Room) -> Element:
    made: Element = {"type": "Input.Number", "errorMessage": words.text("error.field.not_a_number")}
    if field.minimum is not None:
        made["min"] = field.minimum
    if field.maximum is not None:
        made["max"] = field.maximum
    if field.minimum is not None and field.maximum is not None:
        limits = {"minimum": words.number(field.minimum), "maximum": words.number(field.maximum)}
        made["errorMessage"] = words.text("error.field.out_of_range", **limits)
    digits = (field.initial or "").strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= 15:
        made["value"] = int(digits)
    return made


def _select(field: Field, words: Words, room: Room) -> Element:
    return _choices(field.options, field.initial, words.text("field.choose"), words, room)


def _person(field: Field, words: Words, room: Room) -> Element:
    """A choice of the people given; with none, or more than a list can hold, their name is typed."""
    if not field.options or len(field.options) > room.rows(CHOICES):
        return _text(field, words, room)
    return _choices(field.options, field.initial, words.text("field.choose_person"), words, room)


def _systems(field: Field, words: Words, room: Room) -> Element:
    """Any number of the catalogue's systems; without a catalogue, or with more than a list can hold, typed."""
    if not field.options or len(field.options) > room.rows(CHOICES):
        return _text(field, words, room)
    chosen = [name.strip() for name in (field.initial or "").split(",")]
    made = _choices(field.options, None, words.text("field.choose_systems"), words, room)
    known = [name for name in dict.fromkeys(chosen) if name in {each["value"] for each in made["choices"]}]
    return made | {"isMultiSelect": True} | ({"value": ",".join(known)} if known else {})


def _rating(field: Field, words: Words, room: Room) -> Element:
    made = _choices(field.options or _RATINGS, field.initial, words.text("field.choose"), words, room)
    return made | {"style": "expanded"}


def _choices(options: tuple[Option, ...], initial: str | None, hint: str, words: Words, room: Room) -> Element:
    shown = list(options[: room.rows(CHOICES)])
    if initial not in {option.value for option in shown}:
        chosen = [option for option in options if option.value == initial]
        shown[len(shown) - len(chosen) :] = chosen
    made: Element = {"type": "Input.ChoiceSet", "style": "compact", "placeholder": hint}
    made["choices"] = [choice(_label(option, words), option.value) for option in shown]
    if any(option.value == initial for option in shown):
        made["value"] = initial
    return made


def _label(option: Option, words: Words) -> str:
    if option.label_key is not None:
        return capital(words.text(option.label_key))
    return option.label if option.label is not None else option.value


_KINDS: dict[str, Callable[[Field, Words, Room], Element]] = {
    "text": _text,
    "multiline": _multiline,
    "number": _number,
    "select": _select,
    "person": _person,
    "rating": _rating,
    "systems": _systems,
}
