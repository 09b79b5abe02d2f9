"""The manifest installs an app that Slack takes and that has what the door needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.demo.slack_facts import METHODS
from bot.slack.manifest import BOT_EVENTS, BOT_SCOPES, lint, manifest, scopes
from core.config.settings import Settings
from core.i18n import LANGUAGES, Words
from tests.slack_office import office

SCHEMA = Path(__file__).parents[2] / "shared/fixtures/slack/manifest/schemas__manifest.schema.2.0.0.json"
BASE = "https://desk.example.com/"


def settings(**commands: Any) -> Settings:
    # Built without validation, because the configuration refuses most of these before the manifest sees them.
    made = Settings()
    given = made.slack.commands.model_copy(update=commands)
    return made.model_copy(update={"slack": made.slack.model_copy(update={"commands": given})})


@pytest.mark.skipif(not SCHEMA.is_file(), reason="Slack's schema is not there")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("base_url", [BASE, None])
def test_the_manifest_fits_slacks_schema(language: str, base_url: str | None) -> None:
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(manifest(Settings(), base_url, Words(language)))


def test_the_commands_are_those_of_the_configuration() -> None:
    made = manifest(settings(root="desk", aliases={"mine": "list", "fix": "resolve"}), BASE, Words())
    commands = made["features"]["slash_commands"]
    assert [command["command"] for command in commands] == ["/desk", "/mine", "/fix"]
    assert all(command["url"] == "https://desk.example.com/slack/events" for command in commands)
    assert all(command["should_escape"] for command in commands)
    assert commands[2]["usage_hint"].startswith("42")
    assert not lint(made, settings(root="desk", aliases={"mine": "list", "fix": "resolve"}), Words())


@pytest.mark.parametrize("base_url", [None, "http://desk.internal:8080"])
def test_without_an_address_that_slack_can_call_the_app_uses_socket_mode(base_url: str | None) -> None:
    made = manifest(Settings(), base_url, Words())
    assert made["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in json.dumps(made)
    assert "url" not in made["features"]["slash_commands"][0]
    assert manifest(Settings(), BASE, Words())["settings"]["socket_mode_enabled"] is False


def test_a_configuration_for_the_socket_gets_a_manifest_for_the_socket() -> None:
    chosen = Settings.model_validate({"slack": {"bot_token": "xoxb-1", "app_token": "xapp-1"}})
    assert manifest(chosen, BASE, Words())["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize(
    ("commands", "named"),
    [
        ({"root": "status"}, "/status"),
        ({"aliases": {"remind": "note"}}, "/remind"),
        ({"aliases": {"Fix It": "resolve"}}, "/Fix It"),
        ({"aliases": {"x" * 32: "resolve"}}, "/" + "x" * 32),
        ({"aliases": {"ticket": "list"}}, "/ticket"),
        ({"aliases": {"fix": "repair"}}, "repair"),
        ({"aliases": {f"a{n}": "list" for n in range(50)}}, "50"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_names_that_slack_would_refuse_are_told(commands: dict[str, Any], named: str, language: str) -> None:
    given = settings(**commands)
    wrong = lint(manifest(given, BASE, Words(language)), given, Words(language))
    assert len(wrong) == 1
    assert named in wrong[0]


def test_descriptions_keep_slacks_limits() -> None:
    for language in LANGUAGES:
        made = manifest(Settings(), BASE, Words(language))
        assert len(made["display_information"]["description"]) <= 140
        assert len(made["display_information"]["name"]) <= 35


async def test_the_app_works_with_exactly_these_permissions() -> None:
    """With Slack granting the manifest's scopes and no more, nothing is refused, and none is there for nothing."""
    async with office(stand_in={"scopes": BOT_SCOPES}) as place:
        kim = place.person()
        await kim.command("/ticket", "list", "it-support")
        await kim.say("<@U0DESKBELL> show 42", "it-support")
        assert not place.wrongs()
    used = ("chat.postMessage", "users.info", "conversations.open", "conversations.history", "conversations.list")
    for method in used:
        assert set(METHODS[method].scopes) & set(BOT_SCOPES), method


def test_what_is_nice_to_have_may_be_refused_by_whoever_installs_the_app() -> None:
    scopes = manifest(Settings(), BASE, Words())["oauth_config"]["scopes"]
    assert set(scopes["bot_optional"]) == {"chat:write.customize", "files:read"}
    assert not set(scopes["bot_optional"]) & set(scopes["bot"])


def test_what_is_switched_off_is_not_asked_for() -> None:
    made = manifest(Settings(), BASE, Words())
    assert set(made["oauth_config"]["scopes"]["bot"]) == set(BOT_SCOPES)
    assert set(made["settings"]["event_subscriptions"]["bot_events"]) == set(BOT_EVENTS)
    assert made["features"]["unfurl_domains"] == ["desk.example.com"]
    quiet = manifest(Settings.model_validate({"slack": {"reaction": ""}}), None, Words())
    left = str([quiet["oauth_config"], quiet["settings"]["event_subscriptions"], quiet["features"]])
    assert not [word for word in ("reaction", "links:", "link_shared", "unfurl") if word in left]


@pytest.mark.parametrize("language", LANGUAGES)
def test_shortcuts_have_names_that_slack_takes(language: str) -> None:
    made = manifest(Settings(), BASE, Words(language))
    assert [shortcut["callback_id"] for shortcut in made["features"]["shortcuts"]] == [
        "create_from_message",
        "create_ticket",
    ]
    assert not lint(made, Settings(), Words(language))
    made["features"]["shortcuts"][0]["name"] = "x" * 25
    assert len(lint(made, Settings(), Words(language))) == 1


def test_many_workspaces_get_the_way_back_the_events_of_leaving_and_rotation_if_wanted() -> None:
    many = {"client_id": "1.2", "client_secret": "s", "signing_secret": "s", "token_rotation": True}
    chosen = Settings.model_validate({"slack": many, "base_url": BASE})
    made = manifest(chosen, BASE, Words())
    assert made["oauth_config"]["redirect_urls"] == ["https://desk.example.com/slack/oauth_redirect"]
    assert {"app_uninstalled", "tokens_revoked"} <= set(made["settings"]["event_subscriptions"]["bot_events"])
    assert (made["settings"]["token_rotation_enabled"], made["settings"]["org_deploy_enabled"]) == (True, True)
    assert list(scopes(chosen)) == made["oauth_config"]["scopes"]["bot"]
    if SCHEMA.is_file():
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(made)
    single = manifest(Settings.model_validate({"slack": {"token_rotation": True}}), BASE, Words())
    assert "redirect_urls" not in single["oauth_config"]
    assert single["settings"]["token_rotation_enabled"] is False
    assert "app_uninstalled" not in single["settings"]["event_subscriptions"]["bot_events"]
