"""The catalogues: complete, consistent, and enough for everything that the code says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from core import errors
from core.i18n import LANGUAGES, Words, catalogue
from core.lifecycle import VERBS
from core.model import DESKBELL, Category, Priority, Severity, SlaClock, Status, Tier
from core.views import CARD_ACTIONS

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "core" / "locale").glob("*/*.po"))
CODE = [
    path for folder in ("adaptive_cards", "blocks", "bot", "core") for path in sorted((ROOT / folder).rglob("*.py"))
]
KEY = re.compile(r"[a-z_]+(?:\.[a-z0-9_]+)+")
KEY_ARGUMENTS = frozenset({"key", "label_key", "title_key", "submit_key", "hint_key", "help_key"})
KEY_CALLS = frozenset({"text", "say", "sentence", "Message", "Notice", "FieldError", "HelpEntry"})
EVENTS = (
    "ticket.created", "ticket.assigned", "ticket.started", "ticket.waiting", "ticket.escalated", "ticket.prioritized",
    "ticket.noted", "ticket.note_edited", "ticket.note_deleted", "ticket.expert_called", "ticket.expert_accepted",
    "ticket.expert_declined", "ticket.expert_unanswered", "ticket.expert_unavailable", "ticket.resolved",
    "ticket.reopened", "ticket.closed", "ticket.merged",
    "ticket.split", "ticket.rated", "ticket.recovered", "ticket.updated", "ticket.sla_warning", "ticket.sla_breached",
    "alert.fired", "alert.refired", "alert.resolved", "alert.severity_changed", "alert.repeated", "alert.suppressed",
    "alert.acknowledged", "alert.unacknowledged", "alert.downtime_started", "alert.downtime_ended",
    "alert.flapping_started", "alert.flapping_stopped", "alert.closed",
)  # fmt: skip


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def messages(path: Path) -> list[Message]:
    with path.open("rb") as file:
        return [message for message in read_po(file, abort_invalid=True) if message.id]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_catalogue_file_is_whole(path: Path) -> None:
    with path.open("rb") as file:
        head = read_po(file, abort_invalid=True)
    assert head.charset.lower() == "utf-8"
    assert head.locale is not None
    assert str(head.locale) == path.parent.name
    for message in messages(path):
        assert isinstance(message.id, str)
        assert KEY.fullmatch(message.id), message.id
        assert str(message.string).strip(), f"{message.id} has no text"
        assert not message.fuzzy, f"{message.id} is marked as doubtful"
        assert all(name.isidentifier() for name in names(str(message.string))), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_stands_twice_in_a_language(language: str) -> None:
    seen: dict[str, str] = {}
    for path in FILES:
        if path.parent.name == language:
            for message in messages(path):
                assert message.id not in seen, f"{message.id} stands in {path.name} and {seen[str(message.id)]}"
                seen[str(message.id)] = path.name


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_language_has_every_key_with_the_same_facts(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)
    assert sorted(english.keys() - other.keys()) == []
    assert sorted(other.keys() - english.keys()) == []
    differing = [key for key in english if names(english[key]) != names(other[key])]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_of_the_model_has_a_word(language: str) -> None:
    words = Words(language)
    for kind in (Category, Priority, Severity, SlaClock, Status, Tier):
        said = [words.name(member) for member in kind]
        assert len(set(said)) == len(said), f"two values of {kind.__name__} read the same"
    for verb in (*VERBS, *CARD_ACTIONS, "update_status", "open_ticket"):
        assert words.text(f"verb.{verb}")
        assert words.text(f"action.{verb}")
    for kind_of_event in EVENTS:
        assert words.text(f"notice.{kind_of_event}")
        assert words.text(f"change.{kind_of_event}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_has_a_text(language: str) -> None:
    kinds: list[type[errors.DeskError]] = [errors.DeskError, *errors.DeskError.__subclasses__()]
    for error in kinds:
        assert Words(language).has(error.key)


def test_buttons_carry_the_promised_labels() -> None:
    korean = {
        "assign_to_me": "할당받기",
        "change_priority": "우선순위 변경",
        "call_expert": "전문가 호출",
        "assign": "담당자 할당",
        "update_status": "상태 업데이트",
        "open_ticket": "티켓 보기",
    }
    assert {verb: Words("ko").text(f"action.{verb}") for verb in korean} == korean
    assert Words("en").text("card.heading", id=42) == "Ticket #42"


@pytest.mark.parametrize("language", LANGUAGES)
def test_form_titles_and_buttons_fit_a_modal(language: str) -> None:
    texts = {
        key: text for key, text in catalogue(language).items() if re.fullmatch(r"form\..*(title|submit|cancel)", key)
    }
    assert texts
    assert {key: text for key, text in texts.items() if len(text) > 24} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_actor_deskbell_is_never_needed_as_a_person(language: str) -> None:
    """What Deskbell does by itself has a text that names nobody."""
    automatic = {key: text for key, text in catalogue(language).items() if "_auto" in key}
    assert automatic
    for key, text in automatic.items():
        assert "actor" not in names(text), key
        assert DESKBELL.name not in text, key


def keys_in(tree: ast.AST) -> Iterator[str]:
    """Catalogue keys that stand in code as they are: first arguments of what takes a key, and ``*_key=``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        values = [keyword.value for keyword in node.keywords if keyword.arg in KEY_ARGUMENTS]
        if called in KEY_CALLS:
            values += node.args[:2]
        for value in values:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and KEY.fullmatch(value.value):
                yield value.value


def test_the_code_uses_no_key_that_is_missing() -> None:
    known = catalogue("en")
    sections = {key.split(".")[0] for key in known}
    missing = [
        f"{path.relative_to(ROOT)}: {key}"
        for path in CODE
        for key in keys_in(ast.parse(path.read_text(encoding="utf-8")))
        if key.split(".")[0] in sections and key not in known
    ]
    assert missing == []
