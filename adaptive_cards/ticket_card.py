"""The live card of a ticket: what it is, how it stands, who has it, and the buttons for what can be done now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adaptive_cards import sla
from adaptive_cards.actions import card_verbs, open_url, refresh, row
from adaptive_cards.card import SIZE_LIMIT, Card, Rendered, rendered, wire_size
from adaptive_cards.elements import (
    PRIORITY_COLORS,
    SEVERITY_COLORS,
    Element,
    columns,
    container,
    facts,
    heading,
    paragraph,
    remark,
    run,
)
from adaptive_cards.text import Room, capital
from core.i18n import Words
from core.model import AlertStatus, Customer, Tier
from core.views import AlertLine, TicketCard

TITLE_LIMIT = 250
NAME_LIMIT = 80
ALERTS_SHOWN = 5
READERS = 60  # Teams takes no more.


def render(view: TicketCard, words: Words) -> Rendered:
    source = next((alert.url for alert in view.alerts if alert.url), None)
    buttons = row(
        words,
        card_verbs(view.actions),
        view.id,
        view.version,
        view.link,
        more=open_url(words.text("teams.open_alert"), source),
    )
    return rendered(summary(view, words), lambda room: _body(view, words, room), buttons, refresh(view.id))


def for_readers(card: Card, user_ids: Iterable[str]) -> Card:
    """The card with the 29: ids of those who get a view of their own, as many as fit; with none, Teams decides."""
    ids = list(dict.fromkeys(user_ids))[:READERS]
    while ids:
        longer = {**card, "refresh": {**card["refresh"], "userIds": ids}}
        if wire_size(longer) <= SIZE_LIMIT:
            return longer
        ids = ids[: len(ids) // 2]
    return card


def summary(view: TicketCard, words: Words) -> str:
    said = {
        "id": view.id,
        "priority": words.name(view.priority),
        "status": words.name(view.status),
        "title": Room().line(view.title, 120),
    }
    if view.assignee is None:
        return words.text("card.summary", **said)
    return words.text("card.summary_assigned", assignee=Room().line(view.assignee.name, 40), **said)


def _body(view: TicketCard, words: Words, room: Room) -> list[Element]:
    return [
        *head(view, words, room),
        facts(_facts(view, words, room)),
        *_description(view, room),
        *_alerts(view, words, room),
        *_resolution(view, words, room),
        *_last_change(view, words, room),
    ]


def head(view: TicketCard, words: Words, room: Room) -> Iterator[Element]:
    priority = capital(words.name(view.priority))
    yield columns(
        ("stretch", [heading(words.text("card.heading", id=view.id))]),
        ("auto", [heading(priority, color=PRIORITY_COLORS[view.priority])]),
    )
    title = room.line(view.title, TITLE_LIMIT)
    yield paragraph(run(title, size="large", weight="bolder"), spacing="small")
    if view.customer and view.customer.tier is Tier.VIP:
        name = room.line(view.customer.name, NAME_LIMIT)
        vip = words.text("card.customer_vip", name=name)
        yield paragraph(run(f"★ {vip}", weight="bolder", color="accent"), spacing="small")


def _facts(view: TicketCard, words: Words, room: Room) -> Iterator[tuple[str, str]]:
    def name(text: str) -> str:
        return room.line(text, NAME_LIMIT)

    label = words.text
    yield label("card.status"), capital(words.name(view.status))
    yield label("card.priority"), capital(words.name(view.priority))
    yield label("card.assignee"), name(view.assignee.name) if view.assignee else capital(label("card.unassigned"))
    yield label("card.created"), words.moment(view.created_at)
    yield label("card.sla_due"), sla.due(view.sla, words)
    yield label("card.category"), capital(words.name(view.category))
    if view.team:
        yield label("card.team"), name(view.team)
    if view.requester:
        yield label("card.requester"), name(view.requester.name)
    if view.customer and view.customer.tier is not Tier.VIP:
        yield label("card.customer"), _customer(view.customer, words, room)
    if view.systems:
        yield label("card.systems"), room.line(", ".join(name(system) for system in view.systems[:20]), 250)
    if view.affected_users is not None:
        yield label("card.affected_users"), words.number(view.affected_users)
    if view.business_impact:
        yield label("card.business_impact"), room.line(view.business_impact, 250)
    if view.satisfaction is not None:
        yield label("card.satisfaction"), label("card.satisfaction_score", score=view.satisfaction)


def _customer(customer: Customer, words: Words, room: Room) -> str:
    name = room.line(customer.name, NAME_LIMIT)
    if customer.tier is Tier.STANDARD:
        return name
    return words.text("card.customer_tier", name=name, tier=words.name(customer.tier))


def _description(view: TicketCard, room: Room) -> Iterator[Element]:
    description = room.block(view.description, 600)
    if description:
        yield paragraph(description, separator=True)


def _alerts(view: TicketCard, words: Words, room: Room) -> Iterator[Element]:
    if not view.alerts_total:
        return
    said = "card.alerts_firing" if view.alerts_firing else "card.alerts_recovered"
    yield heading(
        capital(words.text(said, firing=words.number(view.alerts_firing), total=words.number(view.alerts_total))),
        color="attention" if view.alerts_firing else "good",
        separator=True,
    )
    shown = view.alerts[: room.rows(ALERTS_SHOWN)]
    for alert in shown:
        yield _alert(alert, words, room)
    hidden = max(view.alerts_total, len(view.alerts)) - len(shown)
    if shown and hidden > 0:
        yield remark(words.text("card.more_alerts", n=words.number(hidden)), spacing="small")


def _alert(alert: AlertLine, words: Words, room: Room) -> Element:
    firing = alert.status is AlertStatus.FIRING
    state = capital(words.text(f"alert_status.{alert.status.value}"))
    pieces = [
        run(state, weight="bolder", color="attention" if firing else "good"),
        run(" · "),
        run(words.name(alert.severity), color=SEVERITY_COLORS[alert.severity]),
        run(f" · {room.line(alert.title, 160)}"),
    ]
    if alert.host:
        pieces.append(run(f" · {room.line(alert.host, NAME_LIMIT)}", isSubtle=True))
    if alert.count > 1:
        pieces.append(run(" " + words.text("card.alert_count", n=words.number(alert.count)), isSubtle=True))
    return paragraph(*pieces, spacing="small")


def _resolution(view: TicketCard, words: Words, room: Room) -> Iterator[Element]:
    resolution = room.block(view.resolution or "", 400)
    if resolution:
        yield container([heading(words.text("card.resolution")), paragraph(resolution, spacing="small")], style="good")


def _last_change(view: TicketCard, words: Words, room: Room) -> Iterator[Element]:
    if not view.last_kind or not words.has(f"change.{view.last_kind}"):
        return
    change = words.text(f"change.{view.last_kind}")
    if view.last_by:
        change = words.text("card.last_change", what=change, who=room.line(view.last_by.name, NAME_LIMIT))
    if view.last_at:
        change = words.text("teams.change_at", change=change, time=words.moment(view.last_at))
    yield remark(change, separator=True)
