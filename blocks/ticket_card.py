"""The live card of a ticket: what, how bad, whose, until when; then the details, then what can be done.

A resolved card is calm: no alarm symbols, no description, no alerts; it says who solved it, when and how.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from blocks import facts, rich
from blocks.actions import action_row
from blocks.rendered import MESSAGE_ROOM, Block, Rendered, rendered, size
from blocks.text import inert, mrkdwn, one_line, paragraph, plain, title
from core.i18n import Words
from core.model import DESKBELL, AlertStatus, SlaClock, Status, Tier
from core.views import AlertLine, TicketCard

_DETAIL_LIMIT = 150


class _Room(msgspec.Struct, frozen=True):
    """How much of the long texts is shown; the first of ``_ROOMS`` in which the card fits counts."""

    text: int
    alerts: int
    address: int


_ROOMS = (_Room(600, 5, 1000), _Room(400, 5, 200), _Room(150, 3, 0))


def ticket_card(card: TicketCard, words: Words) -> Rendered:
    blocks: list[Block] = []
    for room in _ROOMS:
        blocks = _open(card, words, room) if card.status.is_open else _resolved(card, words, room)
        if size(blocks) <= MESSAGE_ROOM:
            break
    return rendered(_summary(card, words), blocks)


def _open(card: TicketCard, words: Words, room: _Room) -> list[Block]:
    blocks = [_heading(card, words), _title(card), _facts(card, words)]
    told = paragraph(card.description, room.text, lines=8)
    if told and told != title(card.title):
        blocks.append(rich.block([rich.quote(told)]))
    blocks += _alerts(card, words, room)
    blocks += _details(card, words)
    blocks.append(_last_change(card, words))
    return blocks + _actions(card, words)


def _resolved(card: TicketCard, words: Words, room: _Room) -> list[Block]:
    blocks = [_heading(card, words), _title(card), _facts(card, words), *_solution(card, words)]
    told = paragraph(card.resolution or "", room.text, lines=8)
    if told:
        blocks.append(rich.block([rich.quote(told)]))
    blocks += _details(card, words)
    if card.last_kind not in (None, "ticket.resolved"):
        blocks.append(_last_change(card, words))
    return blocks + _actions(card, words)


def _summary(card: TicketCard, words: Words) -> str:
    told = {
        "id": card.id,
        "priority": words.name(card.priority),
        "status": words.name(card.status),
        "title": inert(title(card.title)),
    }
    if card.assignee is None:
        return words.text("card.summary", **told)
    return words.text("card.summary_assigned", assignee=inert(facts.person(card.assignee, words)), **told)


def _heading(card: TicketCard, words: Words) -> Block:
    heading = f"*{words.text('card.heading', id=card.id)}* · {words.name(card.category)}"
    return {"type": "section", "text": mrkdwn(heading)}


def _title(card: TicketCard) -> Block:
    return rich.block([rich.section([rich.leaf(title(card.title), bold=True)])])


def _facts(card: TicketCard, words: Words) -> Block:
    calm, nobody = not card.status.is_open, card.assignee is None
    who = facts.person(card.assignee, words)
    priority = words.name(card.priority) if calm else facts.priority(card.priority, words)
    status = ("✅ " if calm else "") + facts.capital(words.name(card.status))
    fields = [
        ("status", status),
        ("priority", facts.capital(priority)),
        (
            "assignee",
            inert(facts.capital(who) if nobody else who),
        ),
        ("sla", _sla(card, words)),
    ]
    shown = [mrkdwn(f"*{words.text('card.' + label)}*\n{value}") for label, value in fields]
    return {"type": "section", "fields": shown}


def _sla(card: TicketCard, words: Words) -> str:
    parts = [facts.capital(facts.time_left(card.sla, words))]
    if card.sla.resolution_due and card.sla.state in (SlaClock.RUNNING, SlaClock.BREACHED) and card.status.is_open:
        parts.append(words.text("card.due_at", time=facts.due(card.sla.resolution_due, words)))
    risk = facts.risk(card.sla, words)
    if risk:
        parts.append(risk)
    lines = [", ".join(parts)]
    if card.status is Status.NEW and card.sla.first_response_due and card.sla.state is SlaClock.RUNNING:
        lines.append(f"{words.text('card.first_response_due')}: {facts.due(card.sla.first_response_due, words)}")
    return "\n".join(lines)


def _alerts(card: TicketCard, words: Words, room: _Room) -> list[Block]:
    if not card.alerts:
        return []
    total = max(card.alerts_total, len(card.alerts))
    shown = sorted(card.alerts, key=lambda alert: (alert.status is AlertStatus.RESOLVED, -alert.severity.rank))
    items = [_alert(alert, card, words, room) for alert in shown[: room.alerts]]
    elements = [rich.bullets(items)]
    if total > 1:
        elements.insert(0, rich.section([rich.leaf(_firing(card, total, words))]))
    more = total - len(items)
    if more > 0:
        elements.append(rich.section([rich.leaf(words.text("card.more_alerts", n=words.number(more)))]))
    return [rich.block(elements)]


def _firing(card: TicketCard, total: int, words: Words) -> str:
    if not card.alerts_firing:
        return facts.capital(words.text("card.alerts_recovered"))
    return words.text("card.alerts_firing", firing=words.number(card.alerts_firing), total=words.number(total))


def _alert(alert: AlertLine, card: TicketCard, words: Words, room: _Room) -> list[Block]:
    """Severity, title (unless it is the ticket's own), where, how often, and the way back to the source."""
    over = alert.status is AlertStatus.RESOLVED
    state = f"✅ {words.text('alert_status.resolved')}" if over else facts.severity(alert.severity, words)
    named = one_line(alert.title, _DETAIL_LIMIT)
    where = " / ".join(filter(None, (one_line(alert.host or "", 60), one_line(alert.service or "", 60))))
    often = words.text("card.alert_count", n=words.number(alert.count)) if alert.count > 1 else ""
    parts = [state, named if named != one_line(card.title, _DETAIL_LIMIT) else "", where, often]
    leaves = [rich.leaf(" · ".join(part for part in parts if part))]
    source, address = one_line(alert.source, 40), facts.web_address(alert.url, room.address)
    if source:
        leaves.append(rich.leaf(" · "))
        leaves.append(rich.link(address, source) if address else rich.leaf(source))
    return leaves


def _details(card: TicketCard, words: Words) -> list[Block]:
    """Who is affected and where it belongs, in one quiet line."""
    labelled = (
        ("business_impact", card.business_impact),
        ("systems", ", ".join(card.systems[:10])),
        ("team", card.team),
        ("requester", card.requester.name if card.requester else None),
        ("source", None if card.alerts else card.source),
    )
    told = [_customer(card, words), _affected(card, words)]
    told += [f"{words.text('card.' + label)}: {value}" for label, value in labelled if value and one_line(value, 10)]
    elements = [plain(one_line(each, _DETAIL_LIMIT)) for each in told if each]
    return [{"type": "context", "elements": elements}] if elements else []


def _customer(card: TicketCard, words: Words) -> str | None:
    if card.customer is None or not one_line(card.customer.name, 10):
        return None
    if card.customer.tier is Tier.VIP:
        return "⭐ " + words.text("card.customer_vip", name=card.customer.name)
    if card.customer.tier is Tier.STANDARD:
        return f"{words.text('card.customer')}: {card.customer.name}"
    told = words.text("card.customer_tier", name=card.customer.name, tier=words.name(card.customer.tier))
    return f"{words.text('card.customer')}: {told}"


def _affected(card: TicketCard, words: Words) -> str | None:
    if not card.affected_users:
        return None
    return words.text("card.user_count", n=words.number(card.affected_users))


def _solution(card: TicketCard, words: Words) -> list[Block]:
    """Who resolved it, as far as it was the last thing that happened, when, and what the requester thought of it."""
    if card.resolved_at is None:
        return []
    if card.last_kind != "ticket.resolved" or card.last_by is None:
        told = words.text("card.resolved")
    elif card.last_by.id == DESKBELL.id:
        told = words.text("card.resolved_auto")
    else:
        told = words.text("card.resolved_by", who=facts.person(card.last_by, words))
    elements = [plain(told, _DETAIL_LIMIT), _when(card.resolved_at, words)]
    if card.satisfaction is not None:
        score = words.text("card.satisfaction_score", score=card.satisfaction)
        elements.append(plain(f"{words.text('card.satisfaction')}: {score}"))
    return [{"type": "context", "elements": elements}]


def _last_change(card: TicketCard, words: Words) -> Block:
    if card.last_kind and card.last_by and words.has(f"change.{card.last_kind}"):
        what, who = words.text(f"change.{card.last_kind}"), facts.person(card.last_by, words)
        told, at = words.text("card.last_change", what=what, who=who), card.last_at or card.updated_at
    elif card.requester:
        told, at = words.text("card.created_by", who=facts.person(card.requester, words)), card.created_at
    else:
        told, at = words.text("card.created"), card.created_at
    return {"type": "context", "elements": [plain(told, _DETAIL_LIMIT), _when(at, words)]}


def _when(at: datetime, words: Words) -> Block:
    return mrkdwn(facts.due(at, words))


def _actions(card: TicketCard, words: Words) -> list[Block]:
    primary = {Status.NEW: "assign_to_me", Status.IN_PROGRESS: "resolve"}.get(card.status)
    return action_row(card.id, card.version, card.actions, words, link=card.link, primary=primary)
