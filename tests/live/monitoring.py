"""Prometheus, Alertmanager and something for them to watch, each on a free port with a folder of its own.

Their configuration is the one of docs/alertmanager.md; only addresses, the path of the token and the times are changed.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import shlex
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from tests.live.service import ROOT, WEBHOOK_TOKEN, until

PAGE = ROOT / "docs" / "alertmanager.md"
PROGRAMS = ("prometheus", "prometheus-alertmanager", "promtool", "amtool")
_REQUESTS = re.compile(r'^alertmanager_notification_requests_total\{integration="webhook"\} (\S+)$', re.MULTILINE)
_BLOCK = re.compile(r"^ *```yaml\n *# (?P<name>[^\n]+)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)


def require(*programs: str) -> None:
    """Skip without these programs; fail where DESKBELL_REQUIRE_TOOLS says that they must be there."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}"
    if os.environ.get("DESKBELL_REQUIRE_TOOLS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def documented(name: str) -> Any:
    """The YAML of the page whose first line is ``# name``."""
    blocks = {match["name"]: match["text"] for match in _BLOCK.finditer(PAGE.read_text())}
    return yaml.safe_load(blocks[name])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """A process with a log file; ``address`` answers 200 at ``ready`` when it is up."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.port = folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._name = name
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *arguments: str) -> None:
        with (self.folder / f"{self._name}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._name, *arguments, f"--web.listen-address=127.0.0.1:{self.port}",
                cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip

        async def ready() -> bool:
            assert self._process is not None
            assert self._process.returncode is None, (self.folder / f"{self._name}.log").read_text()
            return await self.status("/-/ready") == 200

        await until(ready, f"{self._name} is ready")

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def status(self, path: str) -> int:
        try:
            async with aiohttp.ClientSession() as session, session.get(self.address + path) as response:
                return response.status
        except aiohttp.ClientError:
            return 0

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.address + path, json=body, raise_for_status=True) as response,
        ):
            text = await response.text()
            return json.loads(text) if text else None


class Monitoring:
    """Hosts with disks, watched by Prometheus, whose alerts Alertmanager sends to ``webhook``."""

    def __init__(self, folder: Path, webhook: str, basic: bool) -> None:
        folder.mkdir()
        self.folder = folder
        self._basic = basic
        self._webhook = webhook
        self._free: dict[str, float] = {}
        self._exporter: web.AppRunner | None = None
        self._exporter_port = 0
        self.prometheus = Program(folder, "prometheus")
        self.alertmanager = Program(folder, "prometheus-alertmanager")

    # -- what is watched

    def disk(self, host: str, free: float) -> None:
        """How much of the disk of a host is free, as a share of 1."""
        self._free[host] = free

    async def _metrics(self, _: web.Request) -> web.Response:
        lines = []
        for host, free in self._free.items():
            labels = f'{{instance="{host}:9100",mountpoint="/"}}'
            lines += [
                f"node_filesystem_avail_bytes{labels} {free * 1e9:.0f}",
                f"node_filesystem_size_bytes{labels} 1e9",
            ]
        return web.Response(text="\n".join([*lines, ""]))

    async def _export(self) -> None:
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        self._exporter = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._exporter.setup()
        await web.TCPSite(self._exporter, "127.0.0.1", 0).start()
        self._exporter_port = self._exporter.addresses[0][1]

    # -- who watches

    async def start(self) -> None:
        await self._export()
        token = self.folder / "deskbell-token"
        token.write_text(WEBHOOK_TOKEN)
        (self.folder / "alertmanager.yml").write_text(yaml.safe_dump(self._alertmanager(token)))
        (self.folder / "rules.yml").write_text(yaml.safe_dump(_at_once(documented("rules.yml"))))
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(self._prometheus()))
        await asyncio.gather(
            self.alertmanager.start(
                "--config.file=alertmanager.yml", "--storage.path=alertmanager", "--cluster.listen-address="
            ),
            self.start_prometheus(),
        )

    async def start_prometheus(self) -> None:
        """It sends its alerts every 2 s, and asks for them to be forgotten 8 s after the last time."""
        await self.prometheus.start(
            "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus", "--rules.alert.resend-delay=2s"
        )

    async def stop(self) -> None:
        await asyncio.gather(self.prometheus.stop(), self.alertmanager.stop())
        if self._exporter is not None:
            await self._exporter.cleanup()

    def _alertmanager(self, token: Path) -> dict[str, Any]:
        made: dict[str, Any] = copy.deepcopy(documented("alertmanager.yml"))
        if self._basic:
            (basic,) = documented("alertmanager.yml, the receiver with basic authentication")
            made["receivers"] = [basic if known["name"] == basic["name"] else known for known in made["receivers"]]
        made["route"] |= {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "2s"}
        (receiver,) = (known for known in made["receivers"] if known["name"] == made["route"]["receiver"])
        for webhook in receiver["webhook_configs"]:
            webhook["url"] = webhook["url"].replace("http://desk.example.com:8080", self._webhook)
            for proof in webhook["http_config"].values():
                proof |= {key: str(token) for key in proof if key.endswith("_file")}
        return made

    def _prometheus(self) -> dict[str, Any]:
        made: dict[str, Any] = copy.deepcopy(documented("prometheus.yml"))
        made["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        made["alerting"]["alertmanagers"] = [_targets(self.alertmanager.port)]
        deskbell = int(self._webhook.rsplit(":", 1)[1])
        made["scrape_configs"] = [
            {**made["scrape_configs"][0], **_targets(deskbell)},
            {"job_name": "node", "honor_labels": True, **_targets(self._exporter_port)},
        ]
        return made

    # -- Alertmanager's own API

    async def silence(self, host: str) -> str:
        """Silence everything about a host for an hour; returns the silence's id."""
        matcher = {"name": "instance", "value": f"{host}:9100", "isRegex": False, "isEqual": True}
        times = {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z"}
        body = {"matchers": [matcher], **times, "createdBy": "test", "comment": "test"}
        made = await self.alertmanager.call("POST", "/api/v2/silences", body)
        return str(made["silenceID"])

    async def end_silence(self, silence: str) -> None:
        await self.alertmanager.call("DELETE", f"/api/v2/silence/{silence}")

    async def firing(self) -> list[str]:
        """The instances that Alertmanager holds to be firing, silenced ones as well."""
        alerts: Iterable[dict[str, Any]] = await self.alertmanager.call("GET", "/api/v2/alerts")
        return sorted(alert["labels"].get("instance", "") for alert in alerts)

    async def attempts(self) -> float:
        """How many notifications Alertmanager has tried to send to webhooks."""
        async with aiohttp.ClientSession() as session, session.get(self.alertmanager.address + "/metrics") as response:
            text = await response.text()
        found = re.search(
            r'^alertmanager_notification_requests_total\{integration="webhook"\} (\S+)$', text, re.MULTILINE
        )
        return float(found[1]) if found else 0.0


def _targets(port: int) -> dict[str, Any]:
    return {"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}


def _at_once(rules: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(rules)
    for group in made["groups"]:
        for rule in group["rules"]:
            rule["for"] = "0s"
    return made


@asynccontextmanager
async def monitoring(folder: Path, webhook: str, *, basic: bool = False) -> AsyncIterator[Monitoring]:
    """Prometheus and Alertmanager, ended at the end. ``webhook`` is Deskbell's address without a path."""
    made = Monitoring(folder, webhook, basic)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


async def ring(watch: Monitoring) -> None:
    """Run the command with which the page tries the whole way."""
    match = re.search(r"^ *amtool --alertmanager\.url=.*?[^\\]\n", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert match
    command = shlex.split(match[0].replace("\\\n", " ").replace("http://localhost:9093", watch.alertmanager.address))
    process = await asyncio.create_subprocess_exec(*command, cwd=watch.folder)
    assert await asyncio.wait_for(process.wait(), 20) == 0
