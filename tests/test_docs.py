"""The documentation is true: links lead somewhere, commands exist, configuration loads, examples work."""

from __future__ import annotations

import difflib
import json
import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import typer.main
import yaml

from bot.__main__ import app
from bot.api.shapes import NoticeShown
from core.config.check import check
from core.config.load import VARIABLES, build
from core.config.settings import AlertSettings, Settings
from core.integrations.mapping import normalise
from core.lifecycle import MOVES
from core.model import Alert, AlertStatus, RawDelivery, Severity

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```[ \t]*$", re.M | re.S)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_OURS = re.compile(r"\b(?:DESKBELL|SLACK|MICROSOFT)_[A-Z_]+\b")
_FOR_TESTS = {"DESKBELL_REQUIRE_TOOLS"}
# A command at the place of a command: at the beginning of a line, after an operator of the shell, or with its folder.
_COMMAND = re.compile(r"(?:^|&&|[|;(]|(?<=bin/)|\$ )\s*(?:\w+=\S+\s+)*deskbell +(?P<rest>[^\n`]*)", re.M)


class Block(NamedTuple):
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    return _blocks(page.read_text())


def _blocks(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        yield Block(match["language"], textwrap.dedent(match["text"]))


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text())


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


each_page = pytest.mark.parametrize("page", PAGES, ids=name)


# -- links


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_every_link_of_the_page_leads_somewhere(page: Path) -> None:
    for link in _LINK.finditer(prose(page)):
        target, _, anchor = link["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{name(page)}: {link['target']}"
        if anchor:
            assert anchor in anchors(there), f"{name(page)}: {link['target']}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = {link["target"].partition("#")[0] for link in _LINK.finditer(prose(ROOT / "README.md"))}
    assert {name(page) for page in PAGES} - linked == {"README.md"}


@each_page
def test_the_page_names_no_path_of_one_machine(page: Path) -> None:
    assert re.findall(r"/(?:work|root|home/\w+)\b\S*", page.read_text()) == []


# -- commands and variables


def commands(page: Path) -> Iterator[list[str]]:
    """The arguments of every ``deskbell ...`` in the code of a page."""
    code = [block.text.replace("\\\n", " ") for block in blocks(page)]
    code += re.findall(r"`([^`\n]+)`", prose(page))
    for text in code:
        for match in _COMMAND.finditer(text):
            words = shlex.split(re.split(r"&&|[|;<>)]| &$", match["rest"])[0], comments=True)
            if words and not words[0].startswith("..."):
                yield words


@each_page
def test_every_command_of_the_page_exists(page: Path) -> None:
    for words in commands(page):
        command: Any = typer.main.get_command(app)
        rest = list(words)
        while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
            assert rest[0] in command.commands, f"{name(page)}: deskbell {' '.join(words)}"
            command = command.commands[rest.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        used = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert used <= options, f"{name(page)}: deskbell {' '.join(words)}"


def test_every_variable_is_documented_and_every_documented_variable_exists() -> None:
    configuration = (ROOT / "docs" / "configuration.md").read_text()
    assert [variable for variable in VARIABLES if f"`{variable}`" not in configuration] == []
    named = {variable for page in PAGES for variable in _OURS.findall(page.read_text())}
    assert named - VARIABLES.keys() - _FOR_TESTS == set()


# -- configuration


class Anything(dict[str, str]):
    """An environment in which every variable is set."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, default) if key in VARIABLES else "made-up-for-the-documentation"

    def __getitem__(self, key: str) -> str:
        return str(self.get(key))

    def __contains__(self, key: object) -> bool:
        return key not in VARIABLES


def configurations(page: Path) -> Iterator[str]:
    """The YAML blocks that are Deskbell's: those that have one of its keys at the top. One with a misspelt key is."""
    for block in blocks(page):
        if block.language not in ("yaml", "yml"):
            continue
        found = yaml.safe_load(block.text)
        keys = list(found) if isinstance(found, Mapping) else []
        if any(difflib.get_close_matches(str(key), Settings.model_fields, cutoff=0.85) for key in keys):
            yield block.text


@each_page
def test_the_configuration_of_the_page_loads(page: Path) -> None:
    for text in configurations(page):
        build(name(page), text.encode(), Anything())


@pytest.mark.parametrize("page", ["README.md", "docs/webhooks.md", "docs/notifications.md", "docs/alertmanager.md"])
def test_what_the_configuration_of_the_page_names_is_there(page: str) -> None:
    texts = list(configurations(ROOT / page))
    assert texts
    for text in texts:
        loaded = build(page, text.encode(), Anything())
        assert check(loaded.settings, loaded.lines, loaded.variables) == []


# -- examples


def lifecycle() -> str:
    """The table of moves as a diagram: verbs that lead from one status to another."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    for status, moves in MOVES.items():
        verbs: dict[str, list[str]] = {}
        for verb, after in moves.items():
            if after is not None:
                verbs.setdefault(after.value, []).append(verb)
        lines += [f"    {status.value} --> {after}: {', '.join(names)}" for after, names in verbs.items()]
    return "\n".join(lines)


def test_the_diagram_of_the_readme_is_the_table_of_moves() -> None:
    between = re.search(r"<!-- lifecycle -->\n(.*?)\n<!-- end of lifecycle -->", (ROOT / "README.md").read_text(), re.S)
    assert between
    assert between[1].strip() == f"```mermaid\n{lifecycle()}\n```"


def mapped() -> Iterator[Alert]:
    """The alerts of every message of docs/webhooks.md, read by the mapping of its section."""
    page = (ROOT / "docs" / "webhooks.md").read_text()
    for section in page.split("\n## "):
        found = list(_blocks(section))
        for configuration in (block.text for block in found if block.language == "yaml"):
            ((source, settings),) = build("", configuration.encode(), {}).settings.sources.items()
            for message in (block.text for block in found if block.language == "json"):
                delivery = RawDelivery(source, message.encode(), "", {}, datetime(2026, 3, 2, 12, 5, tzinfo=UTC))
                normalised = normalise(delivery, settings, AlertSettings())
                assert normalised.problem is None, normalised.problem
                yield from normalised.alerts


def test_the_mappings_of_the_page_do_what_it_says() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text()
    checkout, full, over = mapped()
    assert all(f"**{alert.title}**" in page for alert in (checkout, full, over))
    assert (checkout.severity, checkout.status, checkout.host) == (
        Severity.CRITICAL,
        AlertStatus.FIRING,
        "shop-1.example.com",
    )
    assert (full.severity, full.status, full.labels) == (Severity.HIGH, AlertStatus.FIRING, {"team": "storage"})
    assert (over.status, over.fingerprint) == (AlertStatus.RESOLVED, full.fingerprint)


def test_the_labels_of_the_page_are_those_of_the_settings() -> None:
    page = (ROOT / "docs" / "alertmanager.md").read_text()
    labels = [label for names in AlertSettings().labels.values() for label in names]
    assert [label for label in labels if f"`{label}`" not in page] == []


def test_the_delivery_log_of_the_page_has_the_shape_of_the_api() -> None:
    (example,) = (block.text for block in blocks(ROOT / "docs" / "notifications.md") if block.language == "json")
    shown = msgspec.json.decode(example, type=NoticeShown)
    assert msgspec.to_builtins(shown).keys() == json.loads(example).keys()
