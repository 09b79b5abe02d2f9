"""``deskbell check``: what one part of a configuration says of another, and the line it stands in."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.config.check import check
from core.config.load import build
from core.config.settings import Settings, SourceSettings
from core.integrations import SOURCES

GUID = "3f6f1c1e-6d0a-4c2b-9a53-0f1f0d6a7b11"
PEOPLE = "people: [{id: kim, name: Kim, team: ops, roles: [lead]}, {id: lee, name: Lee}]\n"
TEAMS = "teams: {ops: {name: Ops, lead: kim, channels: ['slack:#ops']}}\n"


def found(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    loaded = build("d.yaml", text.encode(), environ or {})
    return [str(problem) for problem in check(loaded.settings, loaded.lines, loaded.variables)]


def rule(**keys: str) -> str:
    fields = {"name": "r", "on": "[ticket.created]", "to": "[assignee]"} | keys
    return "notifications:\n- " + "\n  ".join(f"{key}: {value}" for key, value in fields.items())


def test_the_defaults_have_no_problem() -> None:
    assert check(Settings()) == []


def test_problems_have_the_line_of_their_key_and_come_in_the_order_of_the_file() -> None:
    text = """\
sla:
  targets:
    - priority: high
      calendar: busines
people:
  - id: kim
    name: Kim
    team: opps
teams:
  ops:
    name: Ops
    lead: kin
"""
    assert found(text) == [
        "d.yaml:4: sla.targets[0].calendar: no calendar is called busines; did you mean business?",
        "d.yaml:8: people[0].team: no team is called opps; did you mean ops?",
        "d.yaml:12: teams.ops.lead: no person is called kin; did you mean kim?",
    ]


def test_without_lines_a_problem_still_names_its_key() -> None:
    loaded = build("d.yaml", b"desk: {default_team: ops}", {})
    assert [str(problem) for problem in check(loaded.settings)] == ["desk.default_team: no team is called ops"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PEOPLE, "people[0].team: no team is called ops"),
        ("people: [{id: a, name: A}, {id: a, name: B}]", "people[1].id: the same id stands at people[0]"),
        ("people: [{id: a, name: A, slack: U012}, {id: b, name: B, slack: U012}]",
         "people[1].slack: the same slack stands at people[0]"),
        ("people: [{id: a, name: A, slack: '@kim'}]",
         "warning: people[0].slack: not a Slack user id; copy the member id from the Slack profile: U..."),
        ("people: [{id: a, name: A, teams: kim}]",
         "warning: people[0].teams: not an Entra object id; it is a GUID, from the Entra profile"),
        ("teams: {ops: {name: Ops, lead: kim}}", "teams.ops.lead: no person is called kim"),
        ("teams: {ops: {name: Ops, channels: [assignee]}}",
         "teams.ops.channels[0]: not a channel; write slack:#channel or teams:<conversation>"),
        ("systems: [{name: db, team: ops}]", "systems[0].team: no team is called ops"),
        ("systems: [{name: db, customer: Acme}]", "systems[0].customer: no customer is called Acme"),
        ("systems: [{name: db, experts: [kim]}]", "systems[0].experts[0]: no person is called kim"),
        ("systems: [{name: sql, depends_on: [sq]}]",
         "systems[0].depends_on[0]: no system is called sq; did you mean sql?"),
        ("systems: [{name: db, depends_on: [db]}]", "systems[0].depends_on[0]: a system does not depend on itself"),
        ("systems: [{name: db}, {name: db}]", "systems[1].name: the same name stands at systems[0]"),
        ("customers: [{name: A}, {name: A}]", "customers[1].name: the same name stands at customers[0]"),
        ("access: {agents: ['team:ops']}", "access.agents[0]: no team is called ops"),
        ("access: {agents: ['role:lead']}", "warning: access.agents[0]: nobody has the role lead"),
        ("access: {agents: [everybody]}",
         "access.agents[0]: no person is called everybody; write everyone, role:<role>, team:<team> or a person's id"),
        ("calendars: {always: {hours: {mon: ['09:00-10:00']}}}",
         "calendars.always: always is round the clock and cannot be changed; choose another name"),
        ("calendars: {x: {hours: {mon: []}}}", "calendars.x.hours: no working time at all; write mon: ['09:00-18:00']"),
        ("calendars: {x: {hours: {mon: [9-18]}}}",
         "calendars.x.hours.mon: '9-18' is not a span of time; write 09:00-18:00"),
        ("calendars: {x: {hours: {mon: ['09:00-12:00', '11:00-13:00']}}}",
         "calendars.x.hours.mon: '09:00-12:00' and '11:00-13:00' overlap"),
        ("calendars: {x: {hours: {mon: ['09:00-10:00']}, holidays: {country: XX}}}",
         "calendars.x.holidays: the holidays of XX are not known; write codes like DE and BY"),
        ("sla: {targets: [{priority: high, first_response: 2h, resolution: 1h}]}",
         "warning: sla.targets[0].first_response: longer than resolution"),
        ("sla: {targets: [{resolution: 1h}, {priority: high, resolution: 2h}]}",
         "warning: sla.targets[1]: never used: sla.targets[0] fits every ticket that this row fits; "
         "put the narrower row first"),
        ("sources: {My App: {mapping: {title: t}}}",
         'sources["My App"]: the name cannot stand in an address; '
         "use a-z, 0-9, _ and -, up to 64, beginning with a letter or digit"),
        ("sources: {github: {mapping: {title: t}}}",
         "sources.github: /webhooks/github is the door of github itself; choose another name"),
        ("sources: {alertmanager: {mapping: {title: t}}}",
         "sources.alertmanager: alertmanager is built in; write kind: alertmanager, or choose another name"),
        ("sources: {prom: {kind: alertmanger}}",
         "sources.prom.kind: no kind of source is called alertmanger; did you mean alertmanager?"),
        ("sources: {app: {}}", "sources.app: no mapping says where the fields are; add mapping: with title: at least"),
        ("sources: {prom: {kind: alertmanager, mapping: {title: t}}}",
         "warning: sources.prom.mapping: not used by a source of kind alertmanager"),
        ("sources: {app: {team: ops, mapping: {title: t}}}", "sources.app.team: no team is called ops"),
        ("sources: {app: {mapping: {title: 'a b'}}}",
         "sources.app.mapping.title: not a JMESPath expression (column 3); see https://jmespath.org"),
        ("sources: {app: {mapping: {title: ''}}}", "sources.app.mapping.title: an empty expression"),
        ("sources: {app: {mapping: {title: 'jion(a, b)'}}}",
         "sources.app.mapping.title: JMESPath has no function jion; did you mean join?"),
        ("sources: {app: {token: short, mapping: {title: t}}}",
         "warning: sources.app.token: short enough to be guessed; use 16 characters or more"),
        ("api_token: short", "warning: api_token: short enough to be guessed; use 16 characters or more"),
        ("slack: {commands: {root: status}}",
         "slack.commands.root: Slack keeps /status for itself; choose another name"),
        ("slack: {commands: {aliases: {status: status}}}",
         "slack.commands.aliases.status: Slack keeps /status for itself; write ticket-status"),
        ("slack: {commands: {aliases: {Do It: assign}}}",
         'slack.commands.aliases["Do It"]: not a slash command; '
         "use 1 to 31 of the characters a-z, 0-9, _ and -, without the slash"),
        ("slack: {commands: {aliases: {ticket: assign}}}",
         "slack.commands.aliases.ticket: the same as the root command; choose another name"),
        ("slack: {commands: {aliases: {fix: reslove}}}",
         "slack.commands.aliases.fix: no command is called reslove; did you mean resolve?"),
        ("audiences: {assignee: []}", "audiences.assignee: the name has a meaning of its own; choose another name"),
        ("audiences: {a: [b], b: [a]}", "audiences.a: contains itself: a > b > a"),
        ("audiences: {a: ['#ops']}", "audiences.a[0]: no audience is called #ops; write slack:#ops"),
        (rule(on="[ticket.opened]"),
         "notifications[0].on[0]: no event is called ticket.opened; did you mean ticket.reopened?"),
        (rule(on="[]"), "warning: notifications[0].on: empty, so nobody is ever told"),
        (rule(to="[]"), "warning: notifications[0].to: empty, so nobody is ever told"),
        (rule(when="ticket.prority == 'x'"),
         "notifications[0].when: ticket has no prority (column 8); did you mean priority?"),
        (rule(when="|\n    true\n    and tru"),
         "notifications[0].when: unknown name tru (line 2, column 5); "
         "known here: ticket, event, alert, minutes, hours, days"),
        (rule(template="vpi"), "notifications[0].template: no template is called vpi"),
        ("templates: {a: '{{ tickt }}'}", "templates.a: unknown name tickt (column 4); did you mean ticket?"),
        ("templates: {a: text}", "warning: templates.a: no rule uses this text"),
        (rule(fallback="[cards]"), "notifications[0].fallback[0]: cards are where the ticket is shown already; "
         "name a place or a person"),
        ("notifications_fallback: ['#ops']", "notifications_fallback[0]: no audience is called #ops; write slack:#ops"),
        (rule(to="[asignee]"), "notifications[0].to[0]: no audience is called asignee; did you mean assignee?"),
        (rule(to="[nobody.at.all]"), "notifications[0].to[0]: no audience is called nobody.at.all; "
         "known here: desk, vip_support, management, incident_response, executives, assignee, requester, team_lead, "
         "expert, caller, cards"),
        (rule(to="['slack:ops']"),
         "notifications[0].to[0]: not a Slack channel; write slack:#name in small letters, or slack:C0123456789"),
        (rule(to="['teams:General']"),
         "notifications[0].to[0]: not a Teams conversation; "
         "write teams:19:...@thread.tacv2, from the channel's link"),
        (rule(to="['person:kim']"), "notifications[0].to[0]: no person is called kim"),
        (rule(to="['team:ops']"), "notifications[0].to[0]: no team is called ops"),
        (rule(to="['mail:a@b']"), "notifications[0].to[0]: not an audience; "
         "write slack:#channel, teams:<conversation>, person:<id>, team:<key>, oncall:<schedule>"),
        (rule() + "\n- {name: r, on: [ticket.closed], to: [requester]}",
         "notifications[1].name: the same name stands at notifications[0]"),
    ],
)  # fmt: skip
def test_each_contradiction_has_its_words(text: str, said: str) -> None:
    without_line = [line.partition(": ")[2] for line in found(text)]
    assert said in without_line, without_line
    assert all(line.startswith("d.yaml:") for line in found(text))


def test_every_form_of_an_audience_is_understood() -> None:
    to = [
        "'slack:#it-support'", "'slack:#지원팀'", "'slack:C0123456789'", "'teams:19:abc_-@thread.tacv2'",
        "'teams:19:meeting_x@thread.v2'", "'person:kim'", "'team:ops'", "desk", "assignee", "requester", "team_lead",
        "expert", "caller", "cards",
    ]  # fmt: skip
    assert found(PEOPLE + TEAMS + rule(to=f"[{', '.join(to)}]")) == []


def test_what_belongs_together_is_accepted() -> None:
    text = PEOPLE + TEAMS + "access: {agents: [everyone, 'role:lead', 'team:ops', lee]}\ndesk: {default_team: ops}\n"
    text += "audiences: {a: [b], b: [c, c], c: ['person:lee', requester]}\n"
    text += "sources: {app: {mapping: {title: \"join(' ', [a, b])\"}}, alertmanager: {kind: alertmanager}}\n"
    assert found(text) == []
    assert {"alertmanager", "mapping"} <= set(SOURCES)


def test_credentials_that_belong_together_are_asked_for() -> None:
    slack = {"SLACK_BOT_TOKEN": "xoxb-0123456789"}
    off = "environment: warning: SLACK_BOT_TOKEN: not enough, so Slack is off; "
    assert found("", slack) == [off + "add slack.signing_secret for HTTP, or slack.app_token for Socket Mode"]
    assert found("", {"SLACK_APP_TOKEN": "xapp-1"}) == [
        "environment: warning: SLACK_APP_TOKEN: not enough, so Slack is off; add slack.bot_token"
    ]
    assert found("", slack | {"SLACK_SIGNING_SECRET": "s" * 32}) == [
        "warning: base_url: not set, so cards have no links; set DESKBELL_BASE_URL"
    ]
    assert found("base_url: http://x", slack | {"SLACK_APP_TOKEN": "xapp-1"}) == []
    assert found("", {"MICROSOFT_APP_PASSWORD": "p"}) == [
        "environment: warning: MICROSOFT_APP_PASSWORD: not enough, so Teams is off; add msteams.app_id"
    ]


MANY = {
    "SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s", "SLACK_SIGNING_SECRET": "s" * 32,
    "DESKBELL_SECRET_KEY": "k" * 64, "DESKBELL_BASE_URL": "https://x",
}  # fmt: skip
NEW_KEY = "run openssl rand -hex 32"


@pytest.mark.parametrize(
    ("text", "change", "said"),
    [
        ("slack: {workspaces: [T024BE7LD, E0GRID, '*'], home: T024BE7LD}", {}, None),
        ("", {}, "warning: SLACK_CLIENT_ID: no workspace may install the app; "
                 "add the ids of the workspaces (T...) to slack.workspaces"),
        ("", {"DESKBELL_SECRET_KEY": ""}, f"SLACK_CLIENT_ID: needs secret_key, to seal tokens with; {NEW_KEY}"),
        ("", {"DESKBELL_SECRET_KEY": f"{'k' * 64},short"},
         f"DESKBELL_SECRET_KEY: a key is shorter than 32 characters; {NEW_KEY}"),
        ("", {"DESKBELL_BASE_URL": ""}, "SLACK_CLIENT_ID: needs base_url, where Slack sends browsers back to"),
        ("", {"SLACK_CLIENT_SECRET": ""},
         "SLACK_CLIENT_ID: not enough, so nobody can install; add slack.client_secret"),
        ("", {"SLACK_BOT_TOKEN": "xoxb-1"},
         "warning: SLACK_BOT_TOKEN: not used together with slack.client_id; leave one out"),
        ("", {"SLACK_SIGNING_SECRET": ""}, "warning: SLACK_CLIENT_ID: not enough, so Slack is off; "
         "add slack.signing_secret for HTTP, or slack.app_token for Socket Mode"),
        ("slack: {workspaces: [acme]}", {}, "slack.workspaces[0]: not a Slack workspace; "
         "write its id, T... or E..., from the address of Slack's page"),
        ("organisation: {slack_workspaces: ['*']}", {}, "organisation.slack_workspaces[0]: not a Slack workspace; "
         "write its id, T... or E..., from the address of Slack's page"),
    ],
)  # fmt: skip
def test_many_workspaces_have_what_they_need(text: str, change: dict[str, str], said: str | None) -> None:
    lines = [line.removeprefix("environment: ") for line in found(text, MANY | change)]
    assert any(line.endswith(said) for line in lines) if said else lines == [], lines


def test_a_channel_can_name_its_workspace_where_there_are_several() -> None:
    several = "slack: {workspaces: ['*']}\n" + rule(to="['slack:T024BE7LD/#ops', 'slack:E0GRID/C0123456789']")
    assert found(several, MANY) == []
    assert found(several, {})[0].endswith(
        "there is one workspace alone; leave the workspace out, or set slack.client_id"
    )
    by_name = "slack: {workspaces: ['*']}\n" + rule(to="['slack:E0GRID/#ops']")
    assert "not a Slack channel" in found(by_name, MANY)[0]


def test_what_comes_from_the_environment_is_never_repeated() -> None:
    text = "desk: {default_team: '${S}'}\n" + rule(when="${S}", to="['${S}', 'slack:${S} x']", template="${S}")
    lines = found(text, {"S": "xoxb-secret"})
    assert len(lines) == 5
    assert all(line.endswith(": not acceptable with what the environment gives") for line in lines), lines


def test_a_token_of_the_wrong_kind_is_named_but_never_shown() -> None:
    wrong = {"SLACK_BOT_TOKEN": "xapp-secret", "SLACK_APP_TOKEN": "xoxb-secret", "DESKBELL_BASE_URL": "https://x"}
    assert found("", wrong) == [
        "environment: SLACK_BOT_TOKEN: does not begin with xoxb-; copy it from the app's page",
        "environment: SLACK_APP_TOKEN: does not begin with xapp-; copy it from the app's page",
    ]
    elsewhere = wrong | {"SLACK_API_URL": "http://127.0.0.1:9000/api/"}
    assert all("warning" in line and "secret" not in line for line in found("", elsewhere))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"MICROSOFT_APP_ID": "bot"}, "not an app id; it is a GUID, from the app's registration"),
        ({}, "a SingleTenant app needs msteams.app_password or app_certificate"),
        ({"MICROSOFT_APP_PASSWORD": "p"}, "a SingleTenant app needs msteams.tenant_id"),
        ({"MICROSOFT_APP_TYPE": "UserAssignedMSI"}, "a UserAssignedMSI app needs msteams.tenant_id"),
        ({"MICROSOFT_APP_TYPE": "MultiTenant"}, "a MultiTenant app needs msteams.app_password or app_certificate"),
        ({"MICROSOFT_APP_TYPE": "MultiTenant", "MICROSOFT_APP_PASSWORD": "p"}, None),
        ({"MICROSOFT_APP_TYPE": "UserAssignedMSI", "MICROSOFT_APP_TENANT_ID": GUID}, None),
        ({"MICROSOFT_APP_TYPE": "MultiTenant", "MICROSOFT_APP_CERTIFICATE": __file__}, None),
    ],
)
def test_a_microsoft_app_has_what_its_type_needs(environ: dict[str, str], said: str | None) -> None:
    lines = found("base_url: https://x", {"MICROSOFT_APP_ID": GUID} | environ)
    assert (f"environment: MICROSOFT_APP_ID: {said}" in lines) if said else (lines == [])


def test_every_kind_of_source_can_be_configured_and_is_named_where_kinds_are_described() -> None:
    described = SourceSettings.model_fields["kind"].description or ""
    for kind in SOURCES:
        mapping = ", mapping: {title: t}" if kind in ("mapping", "grafana") else ""
        assert found(f"sources: {{mine: {{kind: {kind}{mapping}}}}}") == []
        assert kind in described
    assert found("sources: {zabbix: {token: a-token-of-zabbix-alone}}")[0].endswith(
        "zabbix is built in; write kind: zabbix, or choose another name"
    )


def test_a_certificate_that_is_not_there_is_named() -> None:
    environ = {"MICROSOFT_APP_ID": GUID, "MICROSOFT_APP_TYPE": "MultiTenant", "MICROSOFT_APP_CERTIFICATE": "/nowhere"}
    (line,) = found("base_url: https://x", environ)
    assert line.startswith("environment: MICROSOFT_APP_CERTIFICATE: no such file")
