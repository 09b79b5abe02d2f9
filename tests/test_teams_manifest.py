"""The app package: what Teams' own schemas ask for, in both languages, with pictures that are pictures."""

from __future__ import annotations

import json
import re
import struct
import zlib
from typing import Any

import pytest
from jsonschema import Draft4Validator

from bot.teams.manifest import NO_APP, korean, manifest, package
from core.config.settings import TeamsSettings
from core.views import HelpEntry
from tests.teams_fakes import APP_ID, FIXTURES, stage

NAMES = ("start", "wait", "help", "create", "list", "show", "assign", "escalate", "resolve", "note", "expert", "status")
COMMANDS = tuple(HelpEntry(f"{name} 42 @Kim", f"help.{name}") for name in NAMES)
SETTINGS = TeamsSettings(app_id=APP_ID)
BASE = "https://desk.example.com"


def schema(name: str) -> Any:
    path = FIXTURES / "schemas" / name
    if not path.exists():
        pytest.skip("the schemas of Teams are not here")
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("version", ["1.19", "1.25", "1.29", "1.30"])
@pytest.mark.parametrize("base", [BASE, None, "http://localhost:8080"])
def test_the_manifest_fits_teams_own_schema(version: str, base: str | None) -> None:
    made = manifest(SETTINGS, base, COMMANDS) | {"manifestVersion": version}
    made["$schema"] = made["$schema"].replace("v1.19", f"v{version}")
    Draft4Validator(schema(f"teams-manifest-v{version}.schema.json")).validate(made)


def test_the_korean_words_fit_their_schema_and_name_places_that_exist() -> None:
    words = korean(COMMANDS)
    Draft4Validator(schema("teams-manifest-v1.19.localization.schema.json")).validate(words)
    made = manifest(SETTINGS, BASE, COMMANDS)
    for path, text in words.items():
        if path != "$schema":
            place: Any = made
            for name, index in re.findall(r"(\w+)|\[(\d+)\]", path):
                place = place[int(index)] if index else place[name]
            assert isinstance(place, str), path
            assert text.isascii() is (path in ("name.short", "developer.name")), text


def test_the_ten_commands_that_are_asked_for_most_are_offered_and_help_is_among_them() -> None:
    (bot,) = manifest(SETTINGS, BASE, COMMANDS)["bots"]
    (offered,) = bot["commandLists"]
    titles = [command["title"] for command in offered["commands"]]
    assert titles == ["create", "list", "show", "assign", "status", "note", "escalate", "resolve", "help", "start"]


def test_the_bot_is_the_apps_and_the_address_the_installations() -> None:
    made = manifest(SETTINGS, BASE, COMMANDS)
    assert {made["id"], made["bots"][0]["botId"], made["composeExtensions"][0]["botId"]} == {APP_ID}
    assert made["validDomains"] == ["desk.example.com"]
    assert manifest(TeamsSettings(), BASE, COMMANDS)["id"] == NO_APP


async def test_everything_that_the_manifest_offers_is_answered() -> None:
    answers = {"query": ("query", "selectItem"), "action": ("fetchTask", "submitAction")}
    async with stage() as teams:
        for entry in manifest(SETTINGS, BASE, COMMANDS)["composeExtensions"][0]["commands"]:
            for name in answers[entry["type"]]:
                status, _ = await teams.send(teams.invoke(f"composeExtension/{name}", {"commandId": entry["id"]}))
                assert status != 501


def test_the_package_holds_what_the_manifest_names_and_is_the_same_every_time() -> None:
    files = package(SETTINGS, BASE, COMMANDS)
    made = json.loads(files["manifest.json"])
    named = {*made["icons"].values(), *(entry["file"] for entry in made["localizationInfo"]["additionalLanguages"])}
    assert set(files) == {"manifest.json", *named}
    assert files == package(SETTINGS, BASE, COMMANDS)


ICONS = [("color.png", 192, (0, 69, 120, 255)), ("outline.png", 32, (0, 0, 0, 0))]


@pytest.mark.parametrize(("name", "size", "corner"), ICONS)
def test_an_icon_has_its_size_its_ground_and_a_white_bell(name: str, size: int, corner: tuple[int, ...]) -> None:
    rows = pixels(package(SETTINGS, BASE, COMMANDS)[name])
    assert (len(rows), {len(row) for row in rows}) == (size, {size})
    assert rows[0][0] == corner
    assert rows[size // 2][size // 2] == (255, 255, 255, 255)


def pixels(png: bytes) -> list[list[tuple[int, ...]]]:
    """An 8-bit RGBA picture without interlacing and with the plainest filter."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, rest = {}, png[8:]
    while rest:
        length, kind = struct.unpack(">I4s", rest[:8])
        data = rest[8 : 8 + length]
        assert struct.unpack(">I", rest[8 + length : 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind], rest = data, rest[12 + length :]
    width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, color, interlace) == (8, 6, 0)
    raw = zlib.decompress(chunks[b"IDAT"])
    lines = [raw[row * (width * 4 + 1) :][: width * 4 + 1] for row in range(height)]
    assert {line[0] for line in lines} == {0}
    return [[tuple(line[1 + x * 4 : 5 + x * 4]) for x in range(width)] for line in lines]
