"""Who and what there is in the demo: people on two platforms, systems, customers, promises, and who is told of what.

The settings are made here and nowhere else: no file and no variable of a real installation is read. Promises are short,
so that a warning comes while somebody watches; ``pace`` stretches or shortens them (1.0 is the show's own speed).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.demo.connector import ConnectorStandIn
from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_records import SlackPerson
from bot.demo.slack_state import SlackApp
from bot.demo.teams_records import TeamsPerson
from core.config.notifications import DEFAULT_RULES, NotificationRule
from core.config.settings import Settings

TENANT = "0dea5bbe-11de-4000-8000-000000000001"
OPERATIONS = "19:operations@thread.tacv2"
_TEAM = "19:team-operations@thread.tacv2"
SUPPORT = "#it-support"
DEADLINE_OF_CRITICAL, DEADLINE_OF_REQUEST = 80, 30  # seconds
_WARNINGS = (40, 15)  # seconds before a deadline

APP = SlackApp(team_name="Deskbell demo", bot_name="Deskbell")
SLACK_PEOPLE = (
    SlackPerson("U0KIM", "Kim Minji", "Kim Minji", "minji@demo.example", "ko-KR", "Asia/Seoul"),
    SlackPerson("U0PARK", "Alex Park", "Alex Park", "alex@demo.example", "en-US", "America/New_York"),
)
TEAMS_PEOPLE = (
    TeamsPerson(
        "29:1Lee", "0dea5bbe-11de-4000-8000-000000000101", "Lee Jiwon", TENANT, "jiwon@demo.example", "ko-KR",
        "Asia/Seoul", "KR",
    ),
    TeamsPerson(
        "29:1Cruz", "0dea5bbe-11de-4000-8000-000000000102", "Dana Cruz", TENANT, "dana@demo.example", "en-US",
        "America/New_York", "US",
    ),
)  # fmt: skip
# Who is acted as at first, and who else does something, by the language of the page.
SLACK_USER_OF = {"ko": "U0KIM", "en": "U0PARK"}
TEAMS_USER_OF = {"ko": "29:1Lee", "en": "29:1Cruz"}
CHANNELS = {"C0SUPPORT": "it-support", "C0ALERTS": "it-alerts", "C0GENERAL": "general"}


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made afresh for every run."""

    webhook: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    api: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    slack_signing: str = field(default_factory=lambda: secrets.token_hex(16))
    slack_bot: str = field(default_factory=lambda: f"xoxb-{secrets.token_urlsafe(24)}")
    connector: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    teams_app: str = field(default_factory=lambda: str(uuid.uuid4()))


def people_slack(stand_in: SlackStandIn) -> None:
    """Fills the workspace: people, channels with everybody and the bot in them, direct messages."""
    workspace = stand_in.workspace
    for person in SLACK_PEOPLE:
        workspace.add_person(person)
    for id, name in CHANNELS.items():
        workspace.add_channel(name, members=tuple(person.id for person in SLACK_PEOPLE), id=id)
    for person in SLACK_PEOPLE:
        workspace.open_direct((person.id,))


def people_teams(stand_in: ConnectorStandIn) -> None:
    """Fills the tenant: people, the channel of their team, personal chats."""
    world = stand_in.world
    for person in TEAMS_PEOPLE:
        world.add_person(person)
    everybody = [person.id for person in TEAMS_PEOPLE]
    world.add_channel(OPERATIONS, "Operations", tenant=TENANT, team=_TEAM, team_name="Operations", members=everybody)
    for person in TEAMS_PEOPLE:
        world.personal_chat(person)


def settings(folder: Path, service: str, platforms: str, keys: Secrets, pace: float = 1.0) -> Settings:
    """The demo's configuration. ``service`` is the address of Deskbell, ``platforms`` that of the stand-ins."""
    slack: dict[str, Any] = {
        "bot_token": keys.slack_bot,
        "signing_secret": keys.slack_signing,
        "api_url": f"{platforms}/slack/api/",
    }
    if pace < 1.0:
        slack |= {"per_channel_rate": 1 / pace, "per_channel_burst": 30}
    return Settings.model_validate(
        {
            "base_url": service,
            "time_zone": _time_zone(),
            "webhook_token": keys.webhook,
            "api_token": keys.api,
            "server": {"drain": 2},
            "database": {"url": f"sqlite:///{folder / 'deskbell.db'}"},
            "intake": {"keep_raw": 3600},
            "slack": slack,
            "msteams": {
                "app_id": keys.teams_app,
                "app_password": keys.connector,
                "tenant_id": TENANT,
                "open_id_metadata": f"{platforms}/login/.well-known/openidconfiguration",
                "service_hosts": [platforms.removeprefix("http://")],
            },
            "alerts": {"reopen_within": 30},
            "sources": {"netwatch": {"kind": "mapping", "mapping": _NETWATCH}},
            "sla": {"targets": _targets(pace), "warn_before": [_paced(seconds, pace) for seconds in _WARNINGS]},
            "notifications": _rules(),
            **DIRECTORY,
        }
    )


def _time_zone() -> str:
    """That of this machine, where it can be told, so that both chats show the visitor's own time."""
    linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    for name in (os.environ.get("TZ", ""), linked):
        with contextlib.suppress(KeyError, ValueError, OSError):
            return ZoneInfo(name).key
    return "UTC"


def _paced(seconds: int, pace: float) -> int:
    return max(1, round(seconds * pace))


def _targets(pace: float) -> list[dict[str, Any]]:
    rows: tuple[tuple[dict[str, str], int | None, int], ...] = (
        ({"category": "service_request"}, None, DEADLINE_OF_REQUEST),
        ({"priority": "critical"}, None, DEADLINE_OF_CRITICAL),
        ({"priority": "high"}, 120, 300),
        ({"priority": "medium"}, 600, 1800),
    )
    made: list[dict[str, Any]] = [
        {**fits, "resolution": _paced(resolution, pace)} | ({"first_response": _paced(answer, pace)} if answer else {})
        for fits, answer, resolution in rows
    ]
    return [*made, {"priority": "low", "first_response": "8h", "resolution": "72h", "calendar": "business"}]


def _rules() -> list[NotificationRule]:
    """Those of every installation, except that each warning is shown to the whole desk."""
    warning = NotificationRule(
        name="sla_warning",
        on=("ticket.sla_warning",),
        to=("slack:#it-alerts", f"slack:{SUPPORT}", f"teams:{OPERATIONS}"),
        urgent=True,
    )
    return [warning if rule.name == "sla_warning" else rule for rule in DEFAULT_RULES]


# How the switches' monitor writes. Its name for a problem survives a change of severity; Alertmanager's does not.
_NETWATCH = {
    "title": "message",
    "description": "detail",
    "fingerprint": "device",
    "status": "state",
    "severity": "level",
    "host": "device",
    "service": "system",
    "started_at": "since",
    "url": "link",
}

DIRECTORY: dict[str, Any] = {
    "people": [
        {"id": "kim", "name": "Kim Minji", "email": "minji@demo.example", "language": "ko", "time_zone": "Asia/Seoul",
         "team": "platform", "roles": ["agent", "lead"], "slack": "U0KIM"},
        {"id": "park", "name": "Alex Park", "email": "alex@demo.example", "language": "en",
         "time_zone": "America/New_York", "team": "payments", "roles": ["agent"], "slack": "U0PARK"},
        {"id": "lee", "name": "Lee Jiwon", "email": "jiwon@demo.example", "language": "ko", "time_zone": "Asia/Seoul",
         "team": "payments", "roles": ["agent", "lead"], "teams": TEAMS_PEOPLE[0].aad, "teams_mri": "29:1Lee"},
        {"id": "cruz", "name": "Dana Cruz", "email": "dana@demo.example", "language": "en",
         "time_zone": "America/New_York", "team": "platform", "roles": ["agent", "manager"],
         "teams": TEAMS_PEOPLE[1].aad, "teams_mri": "29:1Cruz"},
    ],
    "teams": {
        "platform": {"name": "Platform", "lead": "kim", "on_call": "platform", "channels": [f"slack:{SUPPORT}"]},
        "payments": {"name": "Payments", "lead": "lee", "on_call": "payments", "channels": [f"teams:{OPERATIONS}"]},
    },
    "schedules": {
        "platform": {"time_zone": "Asia/Seoul",
                     "rotation": {"people": ["kim", "cruz"], "every": "week", "start": "2026-01-05"}},
        "payments": {"time_zone": "America/New_York",
                     "rotation": {"people": ["park", "lee"], "every": "day", "start": "2026-01-05"}},
    },
    "systems": [
        {"name": "edge-router", "tier": 1, "team": "platform", "experts": ["kim", "cruz"]},
        {"name": "orders-db", "tier": 1, "team": "platform", "experts": ["kim"], "depends_on": ["edge-router"]},
        {"name": "payments-api", "tier": 1, "team": "payments", "experts": ["park", "lee"],
         "depends_on": ["orders-db"], "repository": "demo/payments-api"},
        {"name": "build-farm", "tier": 3, "team": "platform", "experts": ["cruz"]},
        {"name": "mail-gateway", "tier": 2, "team": "platform", "experts": ["kim"]},
        {"name": "search", "tier": 2, "team": "payments", "experts": ["park"]},
    ],
    "customers": [{"name": "Hanbit Bank", "tier": "vip"}, {"name": "Globex", "tier": "gold"}],
    "calendars": {
        "business": {
            "time_zone": "Asia/Seoul",
            "hours": {day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
            "holidays": {"country": "KR"},
        }
    },
    "desk": {"default_team": "platform"},
    "audiences": {
        "desk": [f"slack:{SUPPORT}", f"teams:{OPERATIONS}"],
        "vip_support": ["person:kim", "person:park"],
        "management": ["person:cruz"],
        "incident_response": ["slack:#it-alerts"],
        "executives": ["management"],
    },
}  # fmt: skip
