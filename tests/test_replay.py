"""The rehearsal: a recording through the real engine tells what a configuration makes of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from bot.__main__ import app
from bot.replay import BadRecording, Recorded, read, replay
from core.config.catalog import CatalogError, read_catalog
from core.config.settings import Settings
from core.model import Priority, Status
from tests.conftest import NOON
from tests.test_intake import alert, webhook

STORMS = Path(__file__).parents[2] / "shared" / "bench" / "storms.py"


def line(minutes: float, *alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return {"at": at, "source": "alertmanager", "headers": {}, "body": json.loads(webhook(*alerts)), **more}


DAY = [
    line(0, alert("a")),
    line(1, alert("a"), alert("b", severity="warning")),
    line(5, alert("a", "resolved", ended=NOON + timedelta(minutes=5))),
    line(300, alert("c", started=NOON + timedelta(minutes=300))),
    line(300, body="not json"),
]


@pytest.fixture
def replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def run(lines: list[Any], *options: str) -> Result:
        given = [one if isinstance(one, bytes) else orjson.dumps(one) for one in lines]
        (tmp_path / "day.jsonl").write_bytes(b"\n".join(given) + b"\n")
        return CliRunner().invoke(app, ["replay", "day.jsonl", *options])

    return run


def test_a_recording_becomes_the_tickets_that_it_would_have_made(replayed: Callable[..., Result]) -> None:
    result = replayed(DAY, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [ticket["status"] for ticket in told["tickets"]] == ["resolved", "new", "new"]
    assert [ticket["priority"] for ticket in told["tickets"]] == ["critical", "medium", "critical"]
    assert told["deliveries"] == [
        {"line": 0, "tickets": [1]}, {"line": 1, "tickets": [1, 2]}, {"line": 2, "tickets": [1]},
        {"line": 3, "tickets": [3]}, {"line": 4, "tickets": []},
    ]  # fmt: skip
    assert told["notices"] > 0
    assert replayed(DAY, "--json").stdout == result.stdout, "the same recording, the same outcome"
    assert not list(Path.cwd().glob("*.db")), "nothing is left behind"


def about(service: str, what: str) -> dict[str, Any]:
    labels = {"alertname": what.replace(" ", ""), "service": service, "severity": "critical"}
    return {**alert(service), "labels": labels, "annotations": {"summary": f"{what} of {service}"}}


OUTAGE = [
    line(0, about("db", "Connections refused")),
    line(0.2, about("api", "Error rate high")),
    line(0.3, about("web", "Error rate high")),
    line(200, about("printer", "Paper out")),
]
CATALOG = """
systems:
  - {name: db}
  - {name: api, depends_on: [db]}
  - {name: web, depends_on: [api]}
  - {name: printer}
"""


def test_tickets_of_one_outage_are_shown_as_a_group_with_its_probable_cause(
    replayed: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    options = ("--config", "catalog.yaml")
    (group,) = json.loads(replayed(OUTAGE, *options, "--json").stdout)["groups"]
    assert group == {"tickets": [1, 2, 3], "cause": "db", "close": False}
    assert "one outage: #1 #2 #3 (3 tickets), probably db" in replayed(OUTAGE, *options).stdout
    assert json.loads(replayed([OUTAGE[0], OUTAGE[3]], *options, "--json").stdout)["groups"] == []


async def test_warnings_come_at_their_own_instants_between_the_deliveries() -> None:
    recording = [_recorded(line(0, alert("a"))), _recorded(line(24 * 60, alert("b")))]
    silent = Settings.model_validate({"notifications": []})
    rules = [{"name": "w", "on": ["ticket.sla_warning", "ticket.sla_breached"], "to": ["slack:#x"]}]
    told = Settings.model_validate({"notifications": rules})
    assert (await replay(recording, silent)).notices == 0
    outcome = await replay(recording, told)
    # First response: warned, broken. Resolution: warned by risk, warned half an hour before, broken.
    assert outcome.notices == 5


async def test_a_condition_sees_the_ticket_as_it_was() -> None:
    rules = [{"name": "r", "on": ["ticket.created"], "when": "ticket.status == 'new'", "to": ["slack:#x"]}]
    recording = [_recorded(one) for one in DAY[:3]]
    outcome = await replay(recording, Settings.model_validate({"notifications": rules}))
    assert (outcome.tickets[0].status, outcome.notices) == (Status.RESOLVED, 2)


async def test_a_delivery_named_by_a_key_counts_once_however_its_headers_are_written() -> None:
    headers = [{"Idempotency-Key": "k"}, {"idempotency-key": "k"}]
    recording = [_recorded(line(0, alert("a"), headers=one)) for one in headers]
    outcome = await replay(recording, Settings())
    assert outcome.deliveries == [(1,), (1,)]


def _recorded(given: dict[str, Any]) -> Recorded:
    return Recorded(datetime.fromisoformat(given["at"]), given["source"], given["body"], given["headers"])


def test_two_configurations_are_compared(replayed: Callable[..., Result]) -> None:
    Path("calm.yaml").write_text("alerts:\n  priorities:\n    critical: low\n", encoding="utf-8")
    told = json.loads(replayed(DAY, "--json", "--against", "calm.yaml").stdout)
    assert {ticket["priority"] for ticket in told["tickets"]} == {"critical", "medium"}
    assert {ticket["priority"] for ticket in told["against"]["tickets"]} == {"low", "medium"}
    shown = replayed(DAY, "--against", "calm.yaml").stdout.splitlines()
    assert shown[0].split() == ["deliveries", "5", "5"]
    assert shown[4].startswith("#1 ")


def test_a_catalogue_gives_tickets_their_team(replayed: Callable[..., Result]) -> None:
    metadata = "{name: db, annotations: {example.org/hosts: 'db01, db02'}}"
    entity = f"kind: Component\nmetadata: {metadata}\nspec: {{owner: group:dba}}\n"
    Path("catalog.yaml").write_text(entity, encoding="utf-8")
    assert replayed(DAY, "--catalog", "catalog.yaml").exit_code == 0
    (system,) = read_catalog(entity)
    assert (system.name, system.team, system.hosts, system.tier) == ("db", "dba", ("db01", "db02"), 3)
    Path("catalog.yaml").write_text("kind: Component\n", encoding="utf-8")
    wrong = replayed(DAY, "--catalog", "catalog.yaml")
    assert (wrong.exit_code, "catalog.yaml: document 1" in wrong.stderr) == (1, True)


@pytest.mark.parametrize(
    "text",
    [
        "kind: [", "- 1", "kind: Component\nmetadata: {}", "kind: API\nmetadata: {name: [1]}",
        "kind: API\nmetadata: {name: a}\nspec: text", "kind: API\nmetadata: {name: a, annotations: 3}",
    ],
)  # fmt: skip
def test_a_text_that_is_no_catalogue_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(CatalogError, match=r"document 1|not YAML"):
        read_catalog(text)


@pytest.mark.parametrize("tier", ["12", "0", "", "high"])
def test_an_odd_tier_of_a_catalogue_counts_as_the_usual_one(tier: str) -> None:
    (system,) = read_catalog(f"kind: API\nmetadata: {{name: a, annotations: {{x/tier: '{tier}'}}}}\n")
    assert system.tier == 3


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"{", "truncated"),
        (b'{"at": "2026-03-02T12:00:00Z", "source": "\xff", "body": {}}', "utf-8"),
        (b'{"source": "alertmanager", "body": {}}', "at"),
        (b'{"at": "2026-03-02T12:00:00Z", "source": 3, "body": {}}', "source"),
        (b'{"at": "2026-03-02T12:00:00", "source": "alertmanager", "body": {}}', "time zone"),
        (b'{"at": "yesterday", "source": "alertmanager", "body": {}}', "at"),
        (b"[]", "object"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_what_is_wrong(
    replayed: Callable[..., Result], bad: bytes, why: str
) -> None:
    result = replayed([DAY[0], b"", bad])
    assert result.exit_code == 2
    assert "day.jsonl:3: " in result.stderr
    assert why in result.stderr
    with pytest.raises(BadRecording, match=r"day\.jsonl:3"):
        list(read([Path("day.jsonl")]))


def test_a_file_that_is_not_there_and_a_source_that_is_not_known_are_named(replayed: Callable[..., Result]) -> None:
    missing = CliRunner().invoke(app, ["replay", "nothing.jsonl"])
    assert (missing.exit_code, "nothing.jsonl" in missing.stderr) == (2, True)
    odd = replayed([DAY[0], {**DAY[0], "source": "abacus"}], "--json")
    assert odd.exit_code == 0
    assert "1 deliveries are left out: the configuration has no source abacus" in odd.stderr
    assert json.loads(odd.stdout)["deliveries"][1] == {"line": 1, "tickets": []}


async def test_a_clock_that_goes_back_in_the_recording_does_not_go_back_in_the_rehearsal() -> None:
    recording = [_recorded(line(5, alert("a"))), _recorded(line(0, alert("b")))]
    outcome = await replay(recording, Settings())
    assert [ticket.created_at for ticket in outcome.tickets] == [NOON + timedelta(minutes=5)] * 2


async def test_a_storm_becomes_tickets_for_all_that_happened(tmp_path: Path) -> None:
    if not STORMS.exists():
        pytest.skip("the generator of storms is not here")
    asked = ("--seed", "7", "--services", "12", "--outages", "3", "--hours", "1", "--out", str(tmp_path))
    made = await asyncio.create_subprocess_exec(sys.executable, str(STORMS), *asked, stdout=subprocess.DEVNULL)
    assert await made.wait() == 0
    settings = Settings(systems=read_catalog((tmp_path / "catalog.yaml").read_text()))
    recording = list(read([tmp_path / "storm.jsonl"]))
    outcome = await replay(recording, settings)
    known = [index for index, recorded in enumerate(recording) if recorded.source == "alertmanager"]
    assert len(known) > 20
    assert all(len(outcome.deliveries[index]) == 1 for index in known)
    assert all(ticket.team and ticket.systems for ticket in outcome.tickets if ticket.source == "alertmanager")
    assert all(0 <= ticket.alerts_firing <= ticket.alerts_total for ticket in outcome.tickets)
    assert {ticket.priority for ticket in outcome.tickets} <= set(Priority)
    assert recording[0].at.astimezone(UTC) <= outcome.tickets[0].created_at
