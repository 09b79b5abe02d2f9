"""News about a ticket: a message of its own, or a line below the ticket's card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adaptive_cards.actions import row
from adaptive_cards.card import SIZE_LIMIT, Card, Rendered, rendered, wire_size
from adaptive_cards.elements import Element, columns, container, heading, paragraph, priority_mark, remark, run
from adaptive_cards.text import Room, line
from core.i18n import Words
from core.views import Notice

_MARKUP = str.maketrans(dict.fromkeys("\\`*_[]()<>&~{}|#", " "))


def render(view: Notice, words: Words, *, below: bool = False) -> Rendered:
    """``below`` the ticket's card leaves out which ticket it is about and the way there: the card has both."""
    below = below and not view.answers
    offered = view.actions if below else (*view.actions, "open_ticket")
    buttons = row(words, offered, view.ticket_id, view.version, view.link)
    return rendered(_summary(view, words), lambda room: _body(view, words, room, below), buttons)


def sentence(view: Notice, words: Words, room: Room) -> str:
    """The news itself: the operator's finished text where there is one, else the catalogue's."""
    if view.text is not None:
        return room.block(view.text, 1200)
    return room.say(words, view.key, view.facts)


def quoted(body: str | None, room: Room, limit: int = 1000) -> Iterator[Element]:
    """What somebody wrote, set apart from what Deskbell says."""
    text = room.block(body or "", limit)
    if text:
        yield container([paragraph(text)], style="emphasis", spacing="small")


def _summary(view: Notice, words: Words) -> str:
    news = line(f"{sentence(view, words, Room())} {view.body or ''}", 160)
    key = "notice.summary_urgent" if view.urgent else "notice.summary"
    return words.text(key, id=view.ticket_id, title=line(view.title, 80), news=news)


def _body(view: Notice, words: Words, room: Room, below: bool) -> list[Element]:
    items: list[Element] = []
    if not below:
        items += [*_head(view, words), paragraph(run(room.line(view.title, 250), weight="bolder"), spacing="small")]
    items.append(paragraph(sentence(view, words, room)))
    after = [*quoted(view.body, room), *redirected(view.redirected, words, room)]
    if not view.urgent:
        return [*items, *after]
    alarm = heading(f"⚠ {words.text('teams.urgent')}", color="attention")
    return [container([alarm, *items], style="attention"), *after]


def redirected(why: tuple[str, str] | None, words: Words, room: Room) -> Iterator[Element]:
    """Why a message came here: the place that was meant, and the platform's word."""
    if why is not None:
        yield remark(room.say(words, "notice.redirected", {"place": why[0], "why": why[1]}))


def _head(view: Notice, words: Words) -> Iterator[Element]:
    about = paragraph(run(words.text("card.heading", id=view.ticket_id), isSubtle=True, weight="bolder"))
    if view.priority is None:
        yield about
        return
    labelled = words.text("teams.titled", title=words.text("card.priority"), text=words.name(view.priority))
    mark = priority_mark(view.priority, labelled)
    yield columns(("stretch", [about]), ("auto", [paragraph(mark)]))


def calling(card: Card, people: Mapping[str, str]) -> Card:
    """The card with a first line that calls ``people`` by name; Teams notifies each of them.

    ``people``: Teams user id (``29:...``, Entra object id or user principal name) -> name. As many as fit are called.
    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format
    """
    called = card
    entities: list[Element] = []
    for user, name in people.items():
        shown = line(name.translate(_MARKUP), 60) or "?"
        mentioned = {"id": user, "name": shown}
        entities.append({"type": "mention", "text": f"<at>{shown}</at>", "mentioned": mentioned})
        first = {"type": "TextBlock", "text": " ".join(entity["text"] for entity in entities), "wrap": True}
        longer = {**card, "body": [first, *card["body"]], "msteams": {"entities": list(entities)}}
        if wire_size(longer) > SIZE_LIMIT:
            break
        called = longer
    return called
