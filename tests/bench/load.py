"""Load: wrk for throughput, a steady stream at a fixed rate for latencies beside it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.bench.servers import TOKEN, Running

_SCRIPT = Path(__file__).with_name("alerts.lua")
_CONNECTIONS = 16


class Result(dict[str, float]):
    """``per_second`` alerts, ``p50_ms`` and ``p99_ms`` of the answers, ``bad`` answers that were no 2xx."""


def wrk(server: Running, mode: str, batch: int, seconds: float) -> Result:
    """Closed load over 16 connections. Raises RuntimeError when wrk is missing or answers were bad."""
    program = shutil.which("wrk")
    if program is None:
        raise RuntimeError("wrk is missing: apt-get install wrk")
    command = [
        program,
        "-t1",
        f"-c{_CONNECTIONS}",
        f"-d{seconds:.0f}s",
        "--latency",
        "-s",
        str(_SCRIPT),
        server.webhook,
    ]
    command += ["--", mode, str(batch), uuid.uuid4().hex[:8], TOKEN]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT "))
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    if found["bad"]:
        raise RuntimeError(f"{found['bad']} bad answers from {server.webhook}")
    rate = found["requests"] * batch / found["seconds"]
    return Result(per_second=rate, p50_ms=found["p50_ms"], p99_ms=found["p99_ms"], bad=found["bad"])


def alert(fingerprint: str, **labels: str) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "ErrorRateHigh", "instance": fingerprint, "severity": "critical", **labels},
        "annotations": {"summary": f"Error rate is high at {fingerprint}"},
        "startsAt": "2026-11-23T00:30:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
    }


async def post_alerts(session: aiohttp.ClientSession, server: Running, alerts: list[dict[str, Any]]) -> float:
    """Send one webhook; returns the monotonic moment of its 202."""
    body = orjson.dumps({"version": "4", "alerts": alerts})
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    async with session.post(server.webhook, data=body, headers=headers) as response:
        if response.status != 202:
            raise RuntimeError(f"{response.status} from {server.webhook}")
        await response.read()
    return time.monotonic()


async def steady(server: Running, per_second: float, seconds: float, batch: int = 10) -> None:
    """New alerts at a fixed rate, whatever the answers take."""
    run, sent, started = uuid.uuid4().hex[:8], 0, time.monotonic()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32)) as session, asyncio.TaskGroup() as group:
        while (elapsed := time.monotonic() - started) < seconds:
            while sent < elapsed * per_second:
                alerts = [alert(f"{run}-{sent + n}") for n in range(batch)]
                group.create_task(post_alerts(session, server, alerts))
                sent += batch
            await asyncio.sleep(batch / per_second / 4)


async def fill(server: Running, alerts: int, batch: int = 500) -> None:
    """Store this many open alerts."""
    run = uuid.uuid4().hex[:8]
    async with aiohttp.ClientSession() as session:
        for start in range(0, alerts, batch):
            await post_alerts(session, server, [alert(f"{run}-{start + n}") for n in range(batch)])


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
