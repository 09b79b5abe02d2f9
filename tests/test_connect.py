"""``deskbell connect``: what it gives is whole, is read by what it is for, and its messages are understood."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.connect.run import Wanted, run_connect
from bot.connect.snippets import KINDS, snippets
from core.config.settings import AlertSettings
from core.integrations import BUILT_IN, SOURCES
from core.integrations.normal import Normalised, NotUnderstood
from core.model import RawDelivery, Status
from tests.conftest import NOON
from tests.running_service import WEBHOOK_TOKEN, Running

BASE = "https://desk.example.com"
HOSTILE = "x\"; touch PWNED; $(touch PWNED) `touch PWNED` \\ \n@/etc/passwd <!channel> 한글 '&|%s\\n"


def given(kind: str) -> dict[str, str]:
    return snippets(kind, kind, BASE, "t" * 43)


def read(kind: str, body: str, content_type: str = "application/json") -> Normalised:
    return SOURCES[kind](RawDelivery(kind, body.encode(), content_type, {}, NOON), BUILT_IN[kind], AlertSettings())


def test_every_source_can_be_connected() -> None:
    assert set(KINDS) == set(BUILT_IN)
    for kind in KINDS:
        text = "\n".join(given(kind).values())
        assert "t" * 43 in text, kind
        assert f"{BASE}/webhooks/{kind}" in text, kind
        assert not re.search(r"@[A-Z]+@", text), kind


@pytest.mark.parametrize("base", ["https://x.example.com/'; rm -rf ~", 'https://x"', "https://x$(id)"])
def test_an_address_that_needs_quotation_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        snippets("nagios", "nagios", base, "t")


def test_zabbix_is_told_all_three_kinds_of_message_and_its_parameters_are_understood() -> None:
    (media,) = yaml.safe_load(given("zabbix")["deskbell.yaml"])["zabbix_export"]["media_types"]
    assert {message["operation_mode"] for message in media["message_templates"]} == {"PROBLEM", "RECOVERY", "UPDATE"}
    unfilled = {parameter["name"]: parameter["value"] for parameter in media["parameters"]}
    with pytest.raises(NotUnderstood, match="event_id"):
        read("zabbix", json.dumps(unfilled))
    filled = {"event_id": "7", "event_value": "1", "event_name": "Disk is full", "event_nseverity": "5"}
    (alert,) = read("zabbix", json.dumps({**unfilled, **filled})).alerts
    assert (alert.fingerprint, alert.severity.value, alert.host, alert.url) == ("7", "critical", None, None)
    for name in ("deskbell_url", "deskbell_token"):
        assert f"delete params.{name};" in media["script"]


def test_what_others_read_as_yaml_or_json_is_that() -> None:
    (contact,) = yaml.safe_load(given("grafana")["deskbell.yaml"])["contactPoints"]
    assert contact["receivers"][0]["settings"]["url"] == f"{BASE}/webhooks/grafana"
    (receiver,) = yaml.safe_load(given("alertmanager")["receiver.yml"])["receivers"]
    assert receiver["webhook_configs"][0]["http_config"]["authorization"]["credentials"] == "t" * 43
    assert yaml.safe_load(given("elastic")["elastalert.yaml"])["http_post_static_payload"]["rule_name"]
    kibana = json.loads(given("elastic")["kibana.json"])
    active, recovered = (_filled_in(json.dumps(body)) for name, body in kibana.items() if name.startswith("body"))
    (firing,), (over,) = read("elastic", active).alerts, read("elastic", recovered).signals
    assert (firing.fingerprint, firing.status.value, over.alert.status.value) == ("v:v", "firing", "resolved")


def _filled_in(body: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "v", body)


def test_datadogs_template_is_understood_when_filled_and_refused_when_not() -> None:
    webhook = json.loads(given("datadog")["webhook.json"])
    assert json.loads(webhook["custom_headers"]) == {"Authorization": "Bearer " + "t" * 43}
    with pytest.raises(NotUnderstood, match="transition"):
        read("datadog", webhook["payload"])
    values = {"$ALERT_TRANSITION": "Recovered", "$ALERT_ID": "7", "$ALERT_SCOPE": "host:a", "$EVENT_TITLE": "Disk"}
    payload = webhook["payload"]
    for mark, value in values.items():
        payload = payload.replace(f'"{mark}"', f'"{value}"')
    (alert,) = read("datadog", payload).alerts
    assert (alert.fingerprint, alert.status.value, alert.host) == ("7:host:a", "resolved", "a")


def test_prtgs_form_is_understood_when_filled_and_refused_in_a_test_notification() -> None:
    form = re.search(r"Payload:\s*(\S+)", given("prtg")["notification.txt"])
    assert form
    with pytest.raises(NotUnderstood, match="sensorid"):
        read("prtg", form[1], "application/x-www-form-urlencoded")
    filled = form[1].replace("%sensorid", "2345").replace("%status", "Down").replace("%sensor&", "Ping&")
    (alert,) = read("prtg", filled, "application/x-www-form-urlencoded").alerts
    assert (alert.fingerprint, alert.title, alert.host) == ("2345", "Ping Down (2345)", None)


# the notification script


class Script:
    def __init__(self, folder: Path, url: str, token: str = WEBHOOK_TOKEN) -> None:
        self._path = folder / "deskbell-notify"
        self._path.write_text(given("nagios")["deskbell-notify"])
        self._folder, self.spool = folder, folder / "spool"
        self.url, self.token = url, token

    async def run(self, *arguments: str, **facts: str) -> int:
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "DESKBELL_SPOOL": str(self.spool)}
        environment |= {"DESKBELL_URL": self.url, "DESKBELL_TOKEN": self.token}
        environment |= {f"NAGIOS_{name}": value for name, value in facts.items()}
        process = await asyncio.create_subprocess_exec(
            "sh", str(self._path), *arguments, env=environment, cwd=self._folder, stderr=asyncio.subprocess.PIPE
        )
        await asyncio.wait_for(process.communicate(), 30)
        return process.returncode or 0

    def waiting(self) -> list[Path]:
        return sorted(self.spool.glob("*.notification"))


def facts(kind: str, state: str, at: int, **more: str) -> dict[str, str]:
    return {
        "NOTIFICATIONTYPE": kind, "HOSTNAME": "web01", "SERVICEDESC": "Load", "SERVICESTATE": state,
        "TIMET": str(int(NOON.timestamp()) - 60 + at), **more,
    }  # fmt: skip


async def test_notifications_wait_on_disk_while_the_desk_is_away_and_arrive_in_order(
    service: Running, tmp_path: Path
) -> None:
    script = Script(tmp_path, "http://127.0.0.1:9/webhooks/nagios")
    assert await script.run(**facts("PROBLEM", "CRITICAL", 0, SERVICEOUTPUT=HOSTILE, _HOSTCMDB_ID="CI-7")) == 1
    assert await script.run(**facts("RECOVERY", "OK", 30)) == 1
    assert len(script.waiting()) == 2
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in script.waiting())
    script.url = f"{service.url}/webhooks/nagios"
    assert await script.run("--flush") == 0
    assert script.waiting() == []
    (ticket,) = (await service.api("GET", "/tickets")).json["items"]
    assert (ticket["title"], ticket["status"]) == ("Load CRITICAL (web01)", Status.RESOLVED)
    assert ticket["description"] == HOSTILE.replace("\\n", "\n").strip()
    (known,) = await service.service.desk.alerts_of(ticket["id"])
    assert known.alert.labels == {"cmdb_id": "CI-7"}
    assert not (tmp_path / "PWNED").exists()


async def test_a_wrong_token_loses_nothing(service: Running, tmp_path: Path) -> None:
    script = Script(tmp_path, f"{service.url}/webhooks/nagios", "wrong")
    assert await script.run(**facts("PROBLEM", "CRITICAL", 0)) == 1
    assert len(script.waiting()) == 1
    script.token = WEBHOOK_TOKEN
    assert await script.run(**facts("ACKNOWLEDGEMENT", "CRITICAL", 30, NOTIFICATIONAUTHOR="kim")) == 0
    assert script.waiting() == []
    (ticket,) = (await service.api("GET", "/tickets")).json["items"]
    assert ticket["status"] == Status.IN_PROGRESS


async def test_the_lock_of_a_script_that_was_killed_holds_nobody_up(service: Running, tmp_path: Path) -> None:
    script = Script(tmp_path, f"{service.url}/webhooks/nagios")
    (script.spool / "lock").mkdir(parents=True)
    (script.spool / "lock" / "pid").write_text("999999999\n")
    assert await script.run(**facts("PROBLEM", "CRITICAL", 0)) == 0
    assert script.waiting() == []


# the command


def connect(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str = "", **wanted: Any) -> tuple[int, str, str]:
    config = tmp_path / "deskbell.yaml"
    config.write_text(f"database: {{url: 'sqlite:///{tmp_path}/desk.db'}}\n{text}")
    status = run_connect(config, Wanted(**wanted))
    out, err = capsys.readouterr()
    return status, out, err


def test_it_prints_the_snippet_and_what_to_add_to_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = connect(tmp_path, capsys, "base_url: https://desk.example.com", source="grafana")
    assert status == 0
    token = re.search(r"authorization_credentials: (\S+)", out)
    assert token
    assert len(token[1]) >= 43
    assert f"DESKBELL_TOKEN_GRAFANA={token[1]}" in err
    assert "kind: grafana" in err
    assert connect(tmp_path, capsys, source="grafana")[1] != out


def test_it_writes_files_that_only_their_owner_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "sources: {icinga-2: {kind: icinga}}\n"
    status, out, _ = connect(tmp_path, capsys, text, source="icinga-2", output=tmp_path / "made")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "made").iterdir()}
    assert (status, out, modes) == (0, "", {"deskbell.conf": 0o600, "deskbell-notify": 0o700})
    assert "/webhooks/icinga-2" in (tmp_path / "made" / "deskbell-notify").read_text()


def test_an_unknown_source_is_named_with_its_neighbour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = connect(tmp_path, capsys, source="zabix")
    assert (status, err) == (2, "no source is called zabix; did you mean zabbix?\n")
    status, _, err = connect(tmp_path, capsys, "sources: {app: {mapping: {title: t}}}", source="app")
    assert (status, "docs/webhooks.md" in err) == (2, True)


async def test_it_waits_for_the_first_alert_only_when_told_to(service: Running) -> None:
    settings = service.service.desk.settings
    base = Path(str(settings.database.url).removeprefix("sqlite:///")).parent
    config = base / "connect.yaml"
    config.write_text(f"database: {{url: '{settings.database.url}'}}\n")
    nobody = await asyncio.to_thread(run_connect, config, Wanted("nagios", wait=1))
    waiting = asyncio.create_task(asyncio.to_thread(run_connect, config, Wanted("nagios", wait=20)))
    await asyncio.sleep(0.5)
    await service.hook(json.dumps(facts("PROBLEM", "CRITICAL", 0)).encode(), "nagios")
    assert (nobody, await waiting) == (1, 0)
