"""What a real ``deskbell serve`` does when it is ended, killed, started wrongly, or finds its disk full.

Each test runs the program as an operator does. Faults that take longer stand in tests/live.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.live.chat import chat
from tests.live.service import ROOT, SECRETS, WEBHOOK_TOKEN, Deskbell, alert, deskbell, environment, until

from bot.demo.faults import FaultKind

FAST_SLACK = {"per_channel_rate": 1000, "per_channel_burst": 1000}


async def run(*arguments: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Exit status and standard error of ``deskbell`` with these arguments."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        cwd=folder, env=environment(PYTHONPATH=str(ROOT), **variables), stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await asyncio.wait_for(process.communicate(), 30)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return process.returncode, said.decode()


async def half_a_webhook(port: int, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A sender that has begun to send and is not done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /webhooks/alertmanager HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {WEBHOOK_TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body[: len(body) // 2])
    await writer.drain()
    return reader, writer


async def test_sigterm_finishes_the_requests_and_sends_that_are_under_way(tmp_path: Path) -> None:
    body = json.dumps({"version": "4", "alerts": [alert("half-sent")]}).encode()
    async with chat("it-support") as slack, deskbell(tmp_path, {"slack": FAST_SLACK}, slack.api_url) as desk:
        slack.stand_in.faults.add("chat.postMessage", FaultKind.SLOW, milliseconds=700)
        await desk.post([alert("under-way")])
        await until(lambda: _states(desk, "sending"), "the card is being sent")
        reader, writer = await half_a_webhook(desk.port, body)
        begun = time.monotonic()
        desk.signal(signal.SIGTERM)
        await until(lambda: _refuses(desk.port), "no new connection is taken")
        writer.write(body[len(body) // 2 :])
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 202")
        assert await desk.ended(20) == 0
        assert time.monotonic() - begun < 20, "longer than server.drain"
        assert desk.rows("SELECT state FROM notice ORDER BY id LIMIT 1") == [("sent",)]
        assert desk.rows("SELECT count(*) FROM ticket") == [(2,)]
        assert slack.posted == {f"card:1:slack:#it-support": 1} | {k: 1 for k in slack.posted if k.startswith("card:2")}


async def _states(desk: Deskbell, state: str) -> bool:
    return (state,) in desk.rows("SELECT state FROM notice")


async def _refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
