"""The shape of the configuration: every key, its default and what it means.

``core.config.load`` reads the YAML file and the environment into these models; ``deskbell schema`` prints their JSON
Schema, which is where the descriptions of docs/configuration.md come from. Unknown keys are errors.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from core.config.directory import (
    CustomerSettings,
    OrganisationSettings,
    PersonSettings,
    SystemSettings,
    TeamSettings,
)
from core.config.fields import COMMAND_PATTERN, Duration, Language, Model, Secret, TimeZone, keeps_defaults
from core.config.notifications import DEFAULT_RULES, NotificationRule, StormSettings
from core.config.schedules import ScheduleSettings
from core.model import Category, Priority, Severity, Status, Tier

__all__ = [
    "AccessSettings",
    "AlertSettings",
    "CalendarSettings",
    "CommandSettings",
    "CustomerSettings",
    "DatabaseSettings",
    "DeskSettings",
    "Duration",
    "FieldMapping",
    "HolidaySettings",
    "IntakeSettings",
    "Language",
    "Model",
    "NotificationRule",
    "OrganisationSettings",
    "PersonSettings",
    "ScheduleSettings",
    "ServerSettings",
    "Settings",
    "SlaSettings",
    "SlaTarget",
    "SlackSettings",
    "SourceSettings",
    "StormSettings",
    "SystemSettings",
    "TeamSettings",
    "TeamsSettings",
    "TimeZone",
]


class ServerSettings(Model):
    """The HTTP server."""

    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104
    port: int = Field(default=8080, ge=0, le=65_535, description="Port to listen on.")
    drain: Duration = Field(default=20, description="How long to finish open requests and sends after SIGTERM.")


class DatabaseSettings(Model):
    """Where everything is kept."""

    url: str = Field(
        default="sqlite:///deskbell.db",
        description="DESKBELL_DATABASE_URL: SQLAlchemy URL of a SQLite file, like sqlite:////var/lib/deskbell/deskbell.db.",
    )

    @field_validator("url")
    @classmethod
    def _embedded(cls, value: str) -> str:
        if not value.startswith("sqlite:"):
            raise ValueError("this version keeps its data in SQLite only; write sqlite:///deskbell.db")
        return value


class IntakeSettings(Model):
    """How webhooks are taken in."""

    max_body: int = Field(
        default=16 * 1024 * 1024, ge=1024, description="Largest webhook body in bytes; more is answered 413."
    )
    chunk: int = Field(default=500, ge=1, description="Alerts of one delivery that are recorded in one transaction.")
    keep_raw: Duration = Field(default=7 * 86_400, description="How long raw deliveries that were understood are kept.")
    read_timeout: Duration = Field(default=30, description="How long a sender may take to send its body.")


class CommandSettings(Model):
    """How the commands are called in Slack."""

    root: str = Field(default="ticket", pattern=COMMAND_PATTERN, description="The root command, without the slash.")
    aliases: dict[str, str] = Field(
        default={"assign": "assign", "escalate": "escalate", "resolve": "resolve", "ticket-status": "status"},
        description="Extra slash commands and the sub-command that each stands for; an empty map switches them off.",
    )


class SlackSettings(Model):
    """The Slack door. It is open when there is a bot token, or a client id with its secret for many workspaces; and a
    signing secret or an app token."""

    bot_token: Secret | None = Field(default=None, description="SLACK_BOT_TOKEN: begins with xoxb-.")
    signing_secret: Secret | None = Field(
        default=None, description="SLACK_SIGNING_SECRET: proves that a request is Slack's."
    )
    client_id: str | None = Field(
        default=None, description="SLACK_CLIENT_ID: workspaces install the app at /slack/install; bot_token is unused."
    )
    client_secret: Secret | None = Field(
        default=None, description="SLACK_CLIENT_SECRET: proves to Slack who exchanges codes and refreshes tokens."
    )
    workspaces: tuple[str, ...] = Field(
        default=(),
        description="Workspaces (T...) and organisations (E...) that may install the app; '*' lets all of Slack in.",
    )
    home: str | None = Field(
        default=None,
        description="Workspace (T..., E...) that plain slack:#channel and user ids mean; else the only one.",
    )
    token_rotation: bool = Field(
        default=False, description="Ask in the manifest for tokens that expire. Slack cannot switch it off again."
    )
    app_token: Secret | None = Field(
        default=None, description="SLACK_APP_TOKEN: begins with xapp-; with it Socket Mode is used as well."
    )
    api_url: str = Field(
        default="https://slack.com/api/", description="SLACK_API_URL: for a Slack that is not slack.com."
    )
    commands: CommandSettings = Field(default=CommandSettings(), description="How the commands are called.")
    reaction: str = Field(
        default="ticket",
        pattern=r"^[^\s:]{0,100}$",
        description="Emoji, without colons, that makes a ticket of the message that it is put on; empty: none does.",
    )
    per_channel_rate: float = Field(default=1.0, gt=0, description="Messages a second that one channel takes.")
    per_channel_burst: int = Field(default=3, ge=1, description="Messages that one channel takes at once.")

    @property
    def enabled(self) -> bool:
        is_installed = self.has_workspaces or self.bot_token is not None
        return is_installed and (self.signing_secret is not None or self.app_token is not None)

    @property
    def has_workspaces(self) -> bool:
        """Whether workspaces install the app by OAuth, rather than one by its token."""
        return self.client_id is not None and self.client_secret is not None


# Where the Bot Framework lives in each of Microsoft's clouds; the first host is where a first message goes.
# https://learn.microsoft.com/azure/bot-service/how-to-deploy-gov-cloud-high
_GOVERNMENT = {
    "token_issuer": "https://api.botframework.us",
    "open_id_metadata": "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
}
_CLOUDS: dict[str, dict[str, Any]] = {
    "public": {},
    "gcc": {"service_hosts": ("smba.infra.gcc.teams.microsoft.com", "smba.trafficmanager.net")},
    "gcch": {**_GOVERNMENT, "service_hosts": ("smba.infra.gov.teams.microsoft.us",)},
    "dod": {**_GOVERNMENT, "service_hosts": ("smba.infra.dod.teams.microsoft.us",)},
}


class TeamsSettings(Model):
    """The Microsoft Teams door. It is open when there is an app id."""

    app_id: str | None = Field(default=None, description="MICROSOFT_APP_ID: a GUID.")
    app_password: Secret | None = Field(default=None, description="MICROSOFT_APP_PASSWORD: the client secret.")
    app_certificate: str | None = Field(
        default=None,
        description="MICROSOFT_APP_CERTIFICATE: PEM file with certificate and private key, instead of app_password.",
    )
    app_type: Literal["SingleTenant", "MultiTenant", "UserAssignedMSI"] = Field(
        default="SingleTenant", description="MICROSOFT_APP_TYPE: kind of the bot's registration."
    )
    tenant_id: str | None = Field(
        default=None, description="MICROSOFT_APP_TENANT_ID: needed unless the app is MultiTenant."
    )
    allowed_tenants: tuple[str, ...] = Field(
        default=(), description="Tenants that may write to the bot; empty: tenant_id only."
    )
    cloud: Literal["public", "gcc", "gcch", "dod"] = Field(
        default="public",
        description="Microsoft's cloud: service_hosts, open_id_metadata and token_issuer, unless they are given.",
    )
    service_hosts: tuple[str, ...] = Field(
        default=("smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com", "smba.infra.gov.teams.microsoft.us"),
        description="Hosts of the Bot Connector that are trusted with the bot's token.",
    )
    open_id_metadata: str = Field(
        default="https://login.botframework.com/v1/.well-known/openidconfiguration",
        description="Where the keys of inbound tokens are described.",
    )
    token_issuer: str = Field(default="https://api.botframework.com", description="Issuer of inbound tokens.")
    all_messages: bool = Field(
        default=True,
        description="The app asks teams and chats to let it read along, so that every reply below a card is a note; "
        "without it only those that mention the bot.",
    )
    insecure: bool = Field(
        default=False, description="Take activities without a token, on loopback only (--insecure-teams)."
    )

    @model_validator(mode="before")
    @classmethod
    def _of_the_cloud(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("cloud"), str):
            return given
        return {**_CLOUDS.get(given["cloud"], {}), **given}

    @property
    def enabled(self) -> bool:
        return self.app_id is not None or self.insecure


class HolidaySettings(Model):
    """Days off of a calendar."""

    country: str | None = Field(default=None, description="Two-letter country of the `holidays` library.")
    subdivision: str | None = Field(
        default=None, description="State or province of the country, as the library names it."
    )
    add: tuple[date, ...] = Field(default=(), description="Further days off.")
    remove: tuple[date, ...] = Field(default=(), description="Holidays on which you do work.")


class CalendarSettings(Model):
    """Working hours, in which the clock of a promise runs."""

    time_zone: TimeZone = Field(default="UTC", description="Time zone of the hours and of the days off.")
    hours: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], tuple[str, ...]] = Field(
        description="Working hours by day, like mon: ['09:00-12:00', '13:00-18:00']; 24:00 ends a day."
    )
    holidays: HolidaySettings = Field(default=HolidaySettings(), description="Days on which nobody works.")


class SlaTarget(Model):
    """One row of the table of promises; the first row that fits a ticket counts. An absent condition fits all."""

    priority: Priority | None = Field(default=None, description="Fits tickets of this priority.")
    category: Category | None = Field(default=None, description="Fits tickets of this category.")
    tier: Tier | None = Field(default=None, description="Fits tickets of customers of this tier.")
    first_response: Duration | None = Field(
        default=None, description="Working time until somebody takes care of the ticket."
    )
    resolution: Duration | None = Field(default=None, description="Working time until the ticket is resolved.")
    calendar: str = Field(default="always", description="Name of a calendar; always is round the clock.")


_DEFAULT_TARGETS = (
    SlaTarget(priority=Priority.CRITICAL, tier=Tier.VIP, first_response=10 * 60, resolution=2 * 3600),
    SlaTarget(priority=Priority.CRITICAL, first_response=15 * 60, resolution=4 * 3600),
    SlaTarget(priority=Priority.HIGH, tier=Tier.VIP, first_response=20 * 60, resolution=4 * 3600),
    SlaTarget(priority=Priority.HIGH, first_response=30 * 60, resolution=8 * 3600),
    SlaTarget(priority=Priority.MEDIUM, first_response=2 * 3600, resolution=24 * 3600, calendar="business"),
    SlaTarget(priority=Priority.LOW, first_response=8 * 3600, resolution=72 * 3600, calendar="business"),
)


class SlaSettings(Model):
    """What is promised, and when a promise in danger is reported."""

    targets: tuple[SlaTarget, ...] = Field(
        default=_DEFAULT_TARGETS, description="The table of promises; a list in the file replaces the whole table."
    )
    warn_at_risk: float = Field(default=0.8, gt=0, lt=1, description="Breach risk above which a warning is given.")
    warn_before: tuple[Duration, ...] = Field(
        default=(30 * 60,), description="Working time left at which a warning is given."
    )


class FieldMapping(Model):
    """Where a JSON message of an unknown kind holds the fields of an alert; every value is a JMESPath expression."""

    alerts: str = Field(default="@", description="Expression that gives the alert or the list of alerts.")
    fingerprint: str | None = Field(default=None, description="Without it: host, service and title together.")
    title: str = Field(description="What is wrong, in a few words.")
    status: str | None = Field(default=None, description="Without it every message is firing.")
    severity: str | None = Field(default=None, description="A word of `severities` or of Deskbell.")
    description: str | None = Field(default=None, description="The long text.")
    host: str | None = Field(default=None, description="Host that has the problem.")
    service: str | None = Field(default=None, description="Service that has the problem.")
    started_at: str | None = Field(default=None, description="RFC 3339, or seconds or milliseconds since 1970.")
    ended_at: str | None = Field(default=None, description="As started_at.")
    url: str | None = Field(default=None, description="Address of the alert in its own system.")
    labels: str | None = Field(default=None, description="An object of labels.")


class SourceSettings(Model):
    """One monitoring source below /webhooks/<name>."""

    kind: str = Field(
        default="mapping",
        description="What sends: alertmanager, cloudevents, datadog, elastic, grafana, icinga, nagios, "
        "pagerduty_events, prtg, splunk, zabbix, or mapping for any JSON.",
    )
    token: Secret | None = Field(
        default=None, description="Proof of this sender; without it DESKBELL_WEBHOOK_TOKEN counts."
    )
    mapping: FieldMapping | None = Field(
        default=None, description="Where the fields are; needed by kind mapping, and by Grafana's custom payloads."
    )
    resolved_values: tuple[str, ...] = Field(
        default=("resolved", "ok", "up", "recovered", "closed", "normal", "success", "green"),
        description="Values of the status that mean the problem is over.",
    )
    severities: dict[str, Severity] = Field(
        default={}, description="Words of this source and the severity that they mean."
    )
    team: str | None = Field(default=None, description="Team of the tickets that this source opens.")


class AlertSettings(Model):
    """What becomes of alerts."""

    priorities: dict[Severity, Priority] = Field(
        default={
            Severity.CRITICAL: Priority.CRITICAL,
            Severity.HIGH: Priority.HIGH,
            Severity.WARNING: Priority.MEDIUM,
            Severity.INFO: Priority.LOW,
        },
        description="Ticket priority by alert severity; a map that names some keeps the others.",
    )
    reopen_within: Duration = Field(
        default=3600,
        description="A problem that comes back this soon after its ticket was resolved opens that ticket again.",
    )
    recovery_resolves: tuple[Status, ...] = Field(
        default=(Status.NEW, Status.ASSIGNED),
        description="States in which the end of all alerts resolves the ticket; in others a person decides.",
    )
    labels: dict[Literal["host", "service", "severity", "customer", "team"], tuple[str, ...]] = Field(
        default={
            "host": ("host", "hostname", "node", "instance"),
            "service": ("service", "app", "application", "job"),
            "severity": ("severity", "priority", "level"),
            "customer": ("customer",),
            "team": ("team", "owner"),
        },
        description="Labels that name the host, service, severity, customer and team, first found first; a map that "
        "names some keeps the others.",
    )

    _merged = keeps_defaults("priorities", "labels")


class AccessSettings(Model):
    """Who may do what. Anyone whom the platform vouches for may open tickets and write notes."""

    agents: tuple[str, ...] = Field(
        default=("everyone",),
        description="Who may work on tickets: everyone, role:<role>, team:<team> or ids of people.",
    )


class DeskSettings(Model):
    """How the desk itself works."""

    categories_requiring_satisfaction: tuple[Category, ...] = Field(
        default=(Category.SERVICE_REQUEST, Category.QUESTION),
        description="Categories whose requester is asked how it went.",
    )
    default_team: str | None = Field(default=None, description="Team of the tickets that nothing else gives a team.")
    expert_timeout: Duration = Field(
        default=5 * 60,
        ge=1,
        description="How long an expert who is called may take to answer before the next is called.",
    )
    event_retention: Duration = Field(
        default=7 * 86_400, description="How long consumers may read an event of the streams."
    )


_DAY = ("09:00-18:00",)
_BUSINESS = CalendarSettings(
    hours={"mon": _DAY, "tue": _DAY, "wed": _DAY, "thu": _DAY, "fri": _DAY},
)


class Settings(Model):
    """The whole configuration."""

    language: Language = Field(
        default="en", description="Language of channels and of people who have none of their own."
    )
    time_zone: TimeZone = Field(
        default="UTC", description="Time zone of channels and of people who have none of their own."
    )
    base_url: str | None = Field(default=None, description="DESKBELL_BASE_URL: the public address, for links back.")
    log: Literal["text", "json"] = Field(default="text", description="DESKBELL_LOG: form of the log on standard error.")
    api_token: Secret | None = Field(default=None, description="DESKBELL_API_TOKEN: bearer token of the HTTP API.")
    webhook_token: Secret | None = Field(
        default=None, description="DESKBELL_WEBHOOK_TOKEN: proof of senders without a token of their own."
    )
    secret_key: Secret | None = Field(
        default=None,
        description="DESKBELL_SECRET_KEY: seals tokens in the database; several: by commas, the newest first.",
    )
    server: ServerSettings = Field(default=ServerSettings(), description="The HTTP server.")
    database: DatabaseSettings = Field(default=DatabaseSettings(), description="Where everything is kept.")
    intake: IntakeSettings = Field(default=IntakeSettings(), description="How webhooks are taken in.")
    slack: SlackSettings = Field(default=SlackSettings(), description="The Slack door.")
    msteams: TeamsSettings = Field(default=TeamsSettings(), description="The Microsoft Teams door.")
    desk: DeskSettings = Field(default=DeskSettings(), description="How the desk itself works.")
    access: AccessSettings = Field(default=AccessSettings(), description="Who may do what.")
    organisation: OrganisationSettings = Field(default=OrganisationSettings(), description="Whose users are your own.")
    people: tuple[PersonSettings, ...] = Field(default=(), description="People who work tickets or are told of them.")
    teams: dict[str, TeamSettings] = Field(
        default={}, description="Teams, by the key that other sections name them by."
    )
    schedules: dict[str, ScheduleSettings] = Field(default={}, description="On-call schedules, by name.")
    systems: tuple[SystemSettings, ...] = Field(default=(), description="The service catalogue.")
    customers: tuple[CustomerSettings, ...] = Field(default=(), description="Customers and what they are promised.")
    calendars: dict[str, CalendarSettings] = Field(
        default={"business": _BUSINESS},
        description="Working hours, by name; `business` is there unless you write your own.",
    )
    sla: SlaSettings = Field(default=SlaSettings(), description="What is promised.")
    alerts: AlertSettings = Field(default=AlertSettings(), description="What becomes of alerts.")
    sources: dict[str, SourceSettings] = Field(
        default={}, description="Monitoring sources, by their name below /webhooks/."
    )
    audiences: dict[str, tuple[str, ...]] = Field(
        default={
            "desk": ("slack:#it-support",),
            "vip_support": (),
            "management": (),
            "incident_response": (),
            "executives": (),
        },
        description="Names for groups of destinations; a map that names some keeps the others.",
    )
    notifications: tuple[NotificationRule, ...] = Field(
        default=DEFAULT_RULES, description="Who is told of what; a list in the file replaces all rules."
    )
    notifications_fallback: tuple[str, ...] = Field(
        default=(),
        description="Audiences to tell in place of one that cannot be reached for good (a channel that is gone, a "
        "person who left), the first that can be reached.",
    )
    notifications_storm: StormSettings = Field(
        default=StormSettings(), description="When many new tickets of one channel become one message."
    )
    templates: dict[str, str] = Field(default={}, description="Texts of your own in Jinja2, by name.")

    @field_validator("base_url")
    @classmethod
    def _no_trailing_slash(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("not an address; write http://... or https://...")
        return value.rstrip("/")

    _merged = keeps_defaults("audiences", "calendars")
