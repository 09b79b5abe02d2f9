"""The SDK has reached its end, so nothing but a few modules of one package may know it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SDK = ("botbuilder", "botframework", "msrest")
PAGE = ROOT / "docs" / "agents-sdk.md"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_the_modules_that_know_the_sdk_are_those_that_the_page_names() -> None:
    packages = ("adaptive_cards", "blocks", "bot", "core")
    modules = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    knowing = {
        path.relative_to(ROOT).as_posix()
        for path in modules
        if any(name.split(".")[0] in SDK for name in imported(path))
    }
    assert knowing == {f"bot/teams/{name}.py" for name in ("adapter", "bot", "connector", "credentials", "transport")}
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `bot/teams/")]
    assert {row.split("`")[1] for row in rows} == knowing


def test_every_module_that_the_page_says_will_stay_is_there() -> None:
    stays = PAGE.read_text().split("## What stays as it is")[1].split("## How to move")[0]
    named = {part for part in stays.split("`") if part.endswith(".py")}
    assert named
    assert all((ROOT / "bot" / "teams" / name).is_file() for name in named)
