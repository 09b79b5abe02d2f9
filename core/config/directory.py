"""Who and what there is: people, their teams, the systems they run and the customers they serve."""

from __future__ import annotations

from pydantic import Field

from core.config.fields import PERSON_PATTERN, Language, Model, TimeZone
from core.model import Tier


class OrganisationSettings(Model):
    """Whose users are the organisation's own. Of these, one confirmed mail address is one person on every platform."""

    slack_workspaces: tuple[str, ...] = Field(
        default=(), description="Slack workspaces (T...) and Grid organisations (E...) of your own."
    )
    teams_tenants: tuple[str, ...] = Field(default=(), description="Microsoft tenants (GUIDs) of your own.")


class PersonSettings(Model):
    """Somebody who works tickets or is told of them. Others are known by what their platform says."""

    id: str = Field(pattern=PERSON_PATTERN, description="Deskbell's name for the person.")
    name: str = Field(description="The name that others see.")
    email: str | None = Field(
        default=None, description="Mail address, by which the same person is known on other systems."
    )
    language: Language | None = Field(
        default=None, description="The language they read; without it the platform's, else `language`."
    )
    time_zone: TimeZone | None = Field(
        default=None, description="Their time zone; without it the platform's, else `time_zone`."
    )
    team: str | None = Field(default=None, description="Key of the person's team in `teams`.")
    roles: tuple[str, ...] = Field(default=(), description="agent, lead, manager or names of your own.")
    skills: tuple[str, ...] = Field(
        default=(), description="What the person is called for when an expert is wanted, like postgres."
    )
    slack: str | None = Field(default=None, description="Slack user id (U...).")
    teams: str | None = Field(default=None, description="Entra object id.")
    teams_mri: str | None = Field(default=None, description="The 29: id of the person for this bot, when it is known.")


class TeamSettings(Model):
    """A group of people who share a queue."""

    name: str = Field(description="The name that others see.")
    lead: str | None = Field(default=None, description="Id of the person who leads the team.")
    channels: tuple[str, ...] = Field(
        default=(), description="Destinations of the team (slack:#payments, teams:19:...)."
    )
    on_call: str | None = Field(default=None, description="Name of the team's schedule in `schedules`.")


class SystemSettings(Model):
    """One entry of the service catalogue."""

    name: str = Field(description="Name of the system, as alerts and people call it.")
    tier: int = Field(default=3, ge=1, le=4, description="Criticality, 1 is the highest.")
    team: str | None = Field(default=None, description="Key of the team that runs it.")
    experts: tuple[str, ...] = Field(default=(), description="Ids of people to call, first to last.")
    hosts: tuple[str, ...] = Field(
        default=(), description="Hosts it runs on; an alert of such a host is about this system."
    )
    depends_on: tuple[str, ...] = Field(default=(), description="Names of the systems it needs.")
    repository: str | None = Field(default=None, description="Its source code, as owner/name.")
    dashboard: str | None = Field(default=None, description="Address of its dashboard.")
    customer: str | None = Field(default=None, description="Name of the customer that this system serves.")


class CustomerSettings(Model):
    """Somebody whom the desk serves."""

    name: str = Field(description="Name of the customer.")
    tier: Tier = Field(default=Tier.STANDARD, description="What they are promised: standard, gold or vip.")
