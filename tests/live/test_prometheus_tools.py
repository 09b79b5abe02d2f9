"""What Prometheus' own checkers say: of our metrics, and of the configuration that the documentation gives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml

from tests.live.chat import chat
from tests.live.monitoring import PROGRAMS, documented, require
from tests.live.service import alert, deskbell


async def run(*command: str, given: str = "", folder: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(given.encode()), 20)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_promtool_has_nothing_to_say_of_the_metrics(tmp_path: Path) -> None:
    require(*PROGRAMS)
    async with chat("it-support") as slack, deskbell(tmp_path, None, slack.api_url) as desk:
        await desk.post([alert("db-1")])
        await desk.request("GET", "/no/such/page")
        _, metrics = await desk.request("GET", "/metrics")
        await desk.stop()
    assert "deskbell_webhook_deliveries_total{" in metrics
    assert await run("promtool", "check", "metrics", given=metrics, folder=tmp_path) == (0, "")


async def test_the_configuration_of_the_page_is_accepted_by_its_programs(tmp_path: Path) -> None:
    require(*PROGRAMS)
    for name in ("alertmanager.yml", "prometheus.yml", "rules.yml"):
        (tmp_path / name).write_text(yaml.safe_dump(documented(name)))
    for command in (
        ("amtool", "check-config", "alertmanager.yml"),
        ("promtool", "check", "config", "prometheus.yml"),
        ("promtool", "check", "rules", "rules.yml"),
    ):
        status, said = await run(*command, folder=tmp_path)
        assert status == 0, said
