"""Rows of buttons. The action id is the verb; the value is JSON with the ticket and the version that was seen.

A few verbs are buttons, so that a wrong click is rare; all others share one menu, whose action id is ``more`` and whose
options name the verb as ``do``. What cannot be taken back asks first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blocks.facts import web_address
from blocks.rendered import Block, compact
from blocks.text import plain
from core.i18n import Words
from core.views import CARD_ACTIONS

_BUTTONS = frozenset(
    {"assign_to_me", "change_priority", "call_expert", "resolve", "reopen", "close", "expert_accept", "expert_decline"}
)
_FINAL = frozenset({"close"})
_MENU_LIMIT = 5
_LABEL_LIMIT = 75


def button(action: str, label: str, value: dict[str, Any] | None, *, spoken: str | None = None) -> Block:
    """``spoken`` is what a screen reader says after the label: which ticket is meant."""
    made: Block = {"type": "button", "action_id": action, "text": plain(label, _LABEL_LIMIT)}
    if value is not None:
        made["value"] = compact(value)
    if spoken:
        made["accessibility_label"] = f"{label}, {spoken}"[:_LABEL_LIMIT]
    return made


def action_row(
    ticket_id: int,
    version: int | None,
    actions: Sequence[str],
    words: Words,
    *,
    link: str | None = None,
    primary: str | None = None,
) -> list[Block]:
    """The row below a card or notice; nothing when there is nothing to do. ``primary`` stands out, if it is there."""
    value: dict[str, Any] = {"ticket": ticket_id} if version is None else {"ticket": ticket_id, "v": version}
    ordered = sorted(dict.fromkeys(actions), key=_usefulness)
    shown = [verb for verb in ordered if verb in _BUTTONS]
    rest = [verb for verb in ordered if verb not in _BUTTONS][:_MENU_LIMIT]
    if len(rest) == 1:
        shown, rest = shown + rest, []
    elements = [_verb_button(verb, value, ticket_id, words, stands_out=verb == primary) for verb in shown]
    address = web_address(link)
    if address:
        elements.append({**button("open_ticket", words.text("action.open_ticket"), None), "url": address})
    if rest:
        elements.append(_menu(rest, value, words))
    return [{"type": "actions", "elements": elements}] if elements else []


def _usefulness(verb: str) -> int:
    return CARD_ACTIONS.index(verb) if verb in CARD_ACTIONS else len(CARD_ACTIONS)


def _verb_button(verb: str, value: dict[str, Any], ticket_id: int, words: Words, *, stands_out: bool) -> Block:
    heading = words.text("card.heading", id=ticket_id)
    made = button(verb, words.text(f"action.{verb}"), value, spoken=heading)
    if verb in _FINAL:
        return {**made, "style": "danger", "confirm": _confirm(verb, ticket_id, words)}
    return {**made, "style": "primary"} if stands_out else made


def _confirm(verb: str, ticket_id: int, words: Words) -> Block:
    return {
        "title": plain(words.text(f"confirm.{verb}.title", id=ticket_id), 100),
        "text": plain(words.text(f"confirm.{verb}.text"), 300),
        "confirm": plain(words.text(f"confirm.{verb}.yes"), 30),
        "deny": plain(words.text(f"confirm.{verb}.no"), 30),
        "style": "danger",
    }


def _menu(verbs: Sequence[str], value: dict[str, Any], words: Words) -> Block:
    options = [
        {"text": plain(words.text(f"action.{verb}"), _LABEL_LIMIT), "value": compact({"do": verb, **value})}
        for verb in verbs
    ]
    return {"type": "overflow", "action_id": "more", "options": options}
