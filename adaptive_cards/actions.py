"""Buttons. What a click carries is ``{"action": verb, "ticket_id": 42, "v": version}`` and nothing to be trusted.

Verbs that need more input open a dialog: Teams then asks the bot for it (``task/fetch``) with the same data. Teams
shows six buttons at most; the rest stands behind one that unfolds (``Action.ShowCard``), because the overflow of newer
cards (``mode: secondary``) is not part of version 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from adaptive_cards.elements import Element, action_set
from core.i18n import Words
from core.views import CARD_ACTIONS

VISIBLE = 6
URL_LIMIT = 1000
DIALOG_VERBS = frozenset(
    {"assign", "update_status", "change_priority", "note", "resolve", "escalate", "wait", "call_expert"}
)
# Any of these makes "update status" worth offering: its dialog holds the same moves.
_STATUS_VERBS = frozenset({"start", "wait", "resolve", "reopen", "close"})
_OFFERED = frozenset({*CARD_ACTIONS, "update_status", "show", "expert_accept", "expert_decline"})


def submit(title: str, data: dict[str, Any]) -> Element:
    return {"type": "Action.Submit", "title": title, "data": data}


def verb(words: Words, name: str, ticket_id: int, version: int | None) -> Element:
    """The button of one verb. ``version`` None leaves ``v`` out."""
    data: dict[str, Any] = {"action": name, "ticket_id": ticket_id}
    if version is not None:
        data["v"] = version
    if name in DIALOG_VERBS:
        data["msteams"] = {"type": "task/fetch"}
    title = words.text("teams.show", id=ticket_id) if name == "show" else words.text(f"action.{name}")
    return submit(title, data)


def web_address(url: str | None) -> str | None:
    """``url`` if it is an http or https address of reasonable length, as ASCII; None otherwise."""
    if not url or len(url) > URL_LIMIT:
        return None
    safe = quote(url, safe="!#$%&'()*+,/:;=?@[]~", errors="replace")
    try:
        parts = urlsplit(safe)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return safe if known and len(safe) <= URL_LIMIT else None


def open_url(title: str, url: str | None) -> list[Element]:
    """A button that opens a page, or none where there is no address to trust with it."""
    address = web_address(url)
    return [{"type": "Action.OpenUrl", "title": title, "url": address}] if address else []


def unfold(title: str, actions: Sequence[Element]) -> Element:
    """A button that unfolds more buttons."""
    rows = [action_set(actions[start : start + VISIBLE]) for start in range(0, len(actions), VISIBLE)]
    return {
        "type": "Action.ShowCard",
        "title": title,
        "card": {"type": "AdaptiveCard", "version": "1.4", "body": rows},
    }


def refresh(ticket_id: int) -> Element:
    """Makes Teams ask for each reader's own view of a ticket's card; clients that cannot show the card as it is.

    Without ``userIds`` Teams asks for everybody where there are at most 60 people, and for nobody else.
    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/user-specific-views
    """
    data = {"action": "show", "ticket_id": ticket_id}
    return {"action": {"type": "Action.Execute", "verb": "refresh", "data": data}}


def card_verbs(verbs: Sequence[str]) -> list[str]:
    """The buttons of a ticket's card: assign, update status and open first, then ``verbs`` in their own order."""
    pinned = [name for name in verbs if name == "assign"]
    if _STATUS_VERBS.intersection(verbs):
        pinned.append("update_status")
    return [*pinned, "open_ticket", *(name for name in verbs if name not in pinned)]


def row(
    words: Words,
    names: Sequence[str],
    ticket_id: int,
    version: int | None,
    link: str | None,
    *,
    more: Sequence[Element] = (),
) -> list[Element]:
    """Buttons by name, of which unknown ones are left out; ``open_ticket`` opens ``link``, where there is one.

    ``more`` are further buttons. What Teams would not show stands behind the last button.
    """
    buttons: list[Element] = []
    for name in dict.fromkeys(names):
        if name == "open_ticket":
            buttons += open_url(words.text("action.open_ticket"), link)
        elif name in _OFFERED:
            buttons.append(verb(words, name, ticket_id, version))
    buttons += more
    if len(buttons) <= VISIBLE:
        return buttons
    return [*buttons[: VISIBLE - 1], unfold(words.text("action.more"), buttons[VISIBLE - 1 :])]
