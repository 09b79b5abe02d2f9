"""A form as a modal: one input block per field, whose block id is the field's name.

So the errors of a submission, keyed by block id, stand where they belong. Each input's action id is ``value``: the
answer is in ``state.values[<field>]["value"]``. ``private_metadata`` is ``{"ticket_id": 42 | null, "context": {...}}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from blocks.actions import button
from blocks.rendered import Block, Rendered, compact, rendered, size
from blocks.text import clip, inert, one_line, paragraph, plain, title, units
from core.i18n import Words
from core.views import Field, FieldError, Form, Option

_TITLE_LIMIT = 24
_METADATA_LIMIT = 3000
_INPUT_LIMIT = 3000
_ERROR_LIMIT = 300
_OPTIONS_LIMIT = 100
_VALUE_LIMIT = 2000
_OPTION_VALUE_LIMIT = 150
_SYSTEMS_LIMIT = 10
_SLACK_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_SCORES = tuple(Option(value=str(score), label_key=f"rating.{score}") for score in range(5, 0, -1))


def modal(form: Form, words: Words) -> Block:
    """The view to open. A context too long for Slack is shortened, its longest values first."""
    return {
        "type": "modal",
        "callback_id": form.name,
        "title": plain(words.text(form.title_key), _TITLE_LIMIT),
        "submit": plain(words.text(form.submit_key), _TITLE_LIMIT),
        "close": plain(words.text("form.cancel"), _TITLE_LIMIT),
        "private_metadata": _metadata(form),
        "blocks": [*_about(form, words), *_inputs(form, words)],
    }


def loading_modal(words: Words) -> Block:
    """What to open at once, before the short life of a trigger_id ends; ``views.update`` puts the form in its place."""
    loading = words.text("form.loading")
    return {
        "type": "modal",
        "callback_id": "loading",
        "title": plain(loading, _TITLE_LIMIT),
        "close": plain(words.text("form.cancel"), _TITLE_LIMIT),
        "blocks": [{"type": "section", "text": plain(loading)}],
    }


def field_errors(errors: Sequence[FieldError], words: Words, fields: Sequence[str] = ()) -> dict[str, str]:
    """The errors of a submission by block id, as ``response_action: errors`` wants them.

    Slack refuses the id of a block that the modal has not. With ``fields``, the modal's inputs, an error of any other
    field stands at the first of them, with the name of the field that it is about.
    """
    told: dict[str, str] = {}
    for error in errors:
        place, text = error.field, _error(error, words)
        if fields and place not in fields:
            label = f"field.{error.field}"
            place = fields[0]
            text = f"{words.text(label)}: {text}" if words.has(label) else text
        told[place] = clip(f"{told[place]} {text}" if place in told else text, _ERROR_LIMIT)
    return told


def form_message(form: Form, words: Words) -> Rendered:
    """Where no modal can be opened (a mention carries no trigger): a button that opens it."""
    label = words.text(form.title_key)
    value: dict[str, Any] = {} if form.ticket_id is None else {"ticket": form.ticket_id}
    with_context = {**value, "context": _context(form)}
    fits = bool(form.context) and size(with_context) <= _VALUE_LIMIT
    opener = button(form.name, label, with_context if fits else value)
    told = " – ".join(filter(None, (label, _subject(form, words))))
    return rendered(inert(told), [*_about(form, words), {"type": "actions", "elements": [opener]}])


def _metadata(form: Form) -> str:
    context = _context(form)
    while True:
        told = compact({"ticket_id": form.ticket_id, "context": context})
        if units(told) <= _METADATA_LIMIT or not any(context.values()):
            return told
        longest = max(context, key=lambda name: len(context[name]))
        context[longest] = context[longest][: len(context[longest]) * 3 // 4]


def _context(form: Form) -> dict[str, str]:
    """The context as it comes back; half a character, which UTF-8 cannot carry, becomes a question mark."""
    short = {name: value[:_METADATA_LIMIT] for name, value in form.context.items()}
    return {name: value.encode("utf-8", "replace").decode() for name, value in short.items()}


def _subject(form: Form, words: Words) -> str:
    if form.ticket_id is None:
        return ""
    about = words.text("form.about", id=form.ticket_id)
    return f"{about}  {title(form.ticket_title)}" if form.ticket_title else about


def _about(form: Form, words: Words) -> list[Block]:
    subject = _subject(form, words)
    return [{"type": "context", "elements": [plain(subject)]}] if subject else []


def _inputs(form: Form, words: Words) -> list[Block]:
    errors = field_errors(form.errors, words, [field.name for field in form.fields])
    blocks: list[Block] = []
    for field in form.fields:
        made: Block = {
            "type": "input",
            "block_id": field.name,
            "label": plain(words.text(field.label_key), 2000),
            "element": _KINDS[field.kind](field, words),
            "optional": not field.required,
        }
        if field.hint_key:
            made["hint"] = plain(words.text(field.hint_key), 2000)
        blocks.append(made)
        if field.name in errors:
            blocks.append({"type": "context", "elements": [plain("⚠️ " + errors[field.name])]})
    return blocks


def _error(error: FieldError, words: Words) -> str:
    return one_line(words.say(error.key, error.facts, lambda text: one_line(text, 100)), _ERROR_LIMIT)


def _text(field: Field, words: Words, *, multiline: bool = False) -> Block:
    limit = min(field.max_length or _INPUT_LIMIT, _INPUT_LIMIT)
    made: Block = {"type": "plain_text_input", "action_id": "value", "multiline": multiline, "max_length": limit}
    initial = paragraph(field.initial or "", limit, lines=500) if multiline else one_line(field.initial or "", limit)
    return {**made, "initial_value": initial} if initial else made


def _multiline(field: Field, words: Words) -> Block:
    return _text(field, words, multiline=True)


def _number(field: Field, words: Words) -> Block:
    made: Block = {"type": "number_input", "action_id": "value", "is_decimal_allowed": False}
    if field.minimum is not None:
        made["min_value"] = str(field.minimum)
    if field.maximum is not None:
        made["max_value"] = str(field.maximum)
    initial = one_line(field.initial or "", 20)
    if re.fullmatch(r"-?[0-9]{1,15}", initial) and _within(int(initial), field):
        made["initial_value"] = str(int(initial))
    return made


def _within(value: int, field: Field) -> bool:
    above = field.minimum is None or value >= field.minimum
    return above and (field.maximum is None or value <= field.maximum)


def _select(field: Field, words: Words) -> Block:
    options = _options(field.options, words)
    if not options:
        return _text(field, words)
    made: Block = {
        "type": "static_select",
        "action_id": "value",
        "placeholder": plain(words.text("field.choose"), 150),
        "options": options,
    }
    return _with_initial(made, field)


def _person(field: Field, words: Words) -> Block:
    made: Block = {
        "type": "users_select",
        "action_id": "value",
        "placeholder": plain(words.text("field.choose_person"), 150),
    }
    known = _SLACK_USER.fullmatch(field.initial or "")
    return {**made, "initial_user": field.initial} if known else made


def _systems(field: Field, words: Words) -> Block:
    """What is typed is answered by the door, so that a catalogue may have more entries than a menu takes."""
    if not field.options:
        return _text(field, words)
    made: Block = {
        "type": "multi_external_select",
        "action_id": "value",
        "placeholder": plain(words.text("field.choose_systems"), 150),
        "min_query_length": 0,
        "max_selected_items": _SYSTEMS_LIMIT,
    }
    wanted = dict.fromkeys(name.strip() for name in (field.initial or "").split(","))
    known = {option.value: option for option in field.options}
    initial = suggested([known[name] for name in wanted if name in known], words)[:_SYSTEMS_LIMIT]
    return {**made, "initial_options": initial} if initial else made


def suggested(options: Sequence[Option], words: Words) -> list[Block]:
    """The options that answer an external select, at most 100."""
    return _options(options, words, longest=_OPTION_VALUE_LIMIT)


def _rating(field: Field, words: Words) -> Block:
    options = (_options(field.options, words) or _options(_SCORES, words))[:10]
    return _with_initial({"type": "radio_buttons", "action_id": "value", "options": options}, field)


def _options(options: Sequence[Option], words: Words, longest: int = 75) -> list[Block]:
    """Options whose value Slack cannot carry whole are left out: a shortened value would mean something else."""
    shown: dict[str, Block] = {}
    for option in options:
        if not option.value or one_line(option.value, longest) != option.value:
            continue
        label = words.text(option.label_key) if option.label_key else one_line(option.label or "", 75)
        shown[option.value] = {"text": plain(label or option.value, 75), "value": option.value}
    return list(shown.values())[:_OPTIONS_LIMIT]


def _with_initial(made: Block, field: Field) -> Block:
    chosen = [option for option in made["options"] if option["value"] == field.initial]
    return {**made, "initial_option": chosen[0]} if chosen else made


_KINDS: dict[str, Callable[[Field, Words], Block]] = {
    "text": _text,
    "multiline": _multiline,
    "number": _number,
    "select": _select,
    "person": _person,
    "rating": _rating,
    "systems": _systems,
}
