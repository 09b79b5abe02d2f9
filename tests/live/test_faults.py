"""What a real ``deskbell serve`` does when it is ended, killed, started wrongly, or finds its disk full.

Each test runs the program as an operator does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from bot.demo.faults import FaultKind
from tests.live.chat import chat
from tests.live.service import ROOT, WEBHOOK_TOKEN, Deskbell, alert, deskbell, environment, until

FAST_SLACK = {"per_channel_rate": 1000, "per_channel_burst": 1000}
NO_RULES = {"notifications": [], "intake": {"chunk": 20}}
MANY = 400


async def run(*arguments: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Exit status and standard error of ``deskbell`` with these arguments, started in ``folder``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        cwd=folder, env=environment(PYTHONPATH=str(ROOT), **variables), stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await asyncio.wait_for(process.communicate(), 40)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()


def holds(desk: Deskbell, query: str) -> Callable[[], Awaitable[bool]]:
    """Whether the database beside the service says yes."""

    async def asked() -> bool:
        return bool(desk.rows(query)[0][0])

    return asked


# -- ended


async def test_sigterm_finishes_the_requests_and_sends_that_are_under_way(tmp_path: Path) -> None:
    settings = {"slack": FAST_SLACK, "intake": {"chunk": 20}, "server": {"drain": "10s"}}
    async with chat("it-support") as slack, deskbell(tmp_path, settings, slack.api_url) as desk:
        slack.stand_in.faults.add("chat.postMessage", FaultKind.SLOW, milliseconds=600)
        await desk.post([alert("under-way")])
        await until(holds(desk, "SELECT count(*) FROM notice WHERE state = 'sending'"), "the card is being sent")
        large = asyncio.create_task(desk.post([alert(f"db-{n}") for n in range(MANY)]))
        await until(holds(desk, "SELECT max(progress) FROM journal"), "the large delivery is under way")
        begun = time.monotonic()
        desk.signal(signal.SIGTERM)
        status, receipt = await large
        assert (status, receipt["received"], len(receipt["tickets"])) == (202, MANY, MANY)
        assert await desk.ended() == 0
        assert time.monotonic() - begun < 10, "longer than server.drain"
        assert desk.rows("SELECT state FROM notice WHERE id = 1") == [("sent",)]
        assert desk.rows("SELECT count(*) FROM notice WHERE state = 'sending'") == [(0,)]
        assert slack.posted["card:1:slack:#it-support"] == 1


async def test_a_large_delivery_that_was_cut_off_by_kill_9_is_finished_at_the_next_start(tmp_path: Path) -> None:
    async with deskbell(tmp_path, NO_RULES) as desk:
        cut_off = asyncio.create_task(desk.post([alert(f"db-{n}") for n in range(MANY)]))
        await until(holds(desk, "SELECT max(progress) FROM journal"), "the large delivery is under way")
        desk.signal(signal.SIGKILL)
        await desk.ended()
        with pytest.raises(aiohttp.ClientError):
            await cut_off
        ((progress, state),) = desk.rows("SELECT progress, state FROM journal")
        assert 0 < progress < MANY
        assert state == "received"
        await desk.start()
        await until(holds(desk, "SELECT state = 'done' FROM journal"), "the delivery is finished")
        assert desk.rows("SELECT count(*), sum(count), count(DISTINCT ticket_id) FROM alert") == [(MANY, MANY, MANY)]
        assert desk.rows("SELECT count(*), max(id) FROM ticket") == [(MANY, MANY)]
        await desk.stop()


# -- started wrongly


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "new.db")
    database.execute("CREATE TABLE alembic_version (version_num TEXT)")
    database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.commit()
    status, said = await run(
        "serve", "--port", "0", folder=tmp_path, DESKBELL_DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}"
    )
    assert (status, said) == (
        1,
        "the database is at migration 9999, which this version of Deskbell does not know\n",
    )
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("alembic_version",)]
    database.close()


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        status, said = await run("serve", "--host", "127.0.0.1", "--port", port, folder=tmp_path)
    assert status == 1
    last = said.splitlines()[-1]
    assert last.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert "address already in use" in last.lower()
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server:\n  prot: 1\n", "deskbell.yaml:2: server.prot: unknown key; did you mean port?\n"),
        (
            "log: text\napi_token: ${DESKBELL_NOT_SET}\n",
            "deskbell.yaml:2: api_token: the environment variable DESKBELL_NOT_SET is not set; "
            "write $${ for the text ${\n",
        ),
    ],
    ids=["unknown key", "missing variable"],
)
async def test_a_configuration_that_is_wrong_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "deskbell.yaml").write_text(text)
    assert await run("serve", "--port", "0", folder=tmp_path) == (1, said)


async def test_teams_without_tokens_is_refused_on_an_address_that_others_reach(tmp_path: Path) -> None:
    status, said = await run("serve", "--insecure-teams", "--host", "0.0.0.0", folder=tmp_path)
    assert (status, said.count("\n")) == (2, 1)
    assert "--host 127.0.0.1" in said


# -- while it runs


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits a running process")
async def test_a_full_disk_is_answered_503_and_is_over_when_there_is_room_again(tmp_path: Path) -> None:
    async with deskbell(tmp_path, DESKBELL_LOG="json") as desk:
        assert desk.process is not None
        for size, answer in ((32 * 1024, 503), (resource.RLIM_INFINITY, 202)):
            resource.prlimit(desk.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            assert [(await desk.post([alert(f"disk-{n}")]))[0] for n in range(3)] == [answer] * 3
            assert (await desk.request("GET", "/readyz"))[0] == (200 if answer == 202 else 503)
            assert (await desk.request("GET", "/healthz"))[0] == 200
        assert len(await desk.tickets()) == 3
        await desk.stop()


SENDING = "SELECT count(*) FROM notice WHERE state = 'sending'"


async def half_a_webhook(port: int, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /webhooks/alertmanager HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {WEBHOOK_TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"
    )
    writer.write(head.encode())
    assert b"100" in await reader.readline()  # the handler is reading
    await reader.readline()
    writer.write(body[: len(body) // 2])
    await writer.drain()
    return reader, writer


async def test_a_body_that_is_half_sent_at_sigterm_is_taken(tmp_path: Path) -> None:
    body = json.dumps({"version": "4", "alerts": [alert("half-sent")]}).encode()
    async with deskbell(tmp_path) as desk:
        reader, writer = await half_a_webhook(desk.port, body)
        desk.signal(signal.SIGTERM)

        async def refuses() -> bool:
            try:
                _, other = await asyncio.open_connection("127.0.0.1", desk.port)
            except ConnectionRefusedError:
                return True
            other.close()
            return False

        await until(refuses, "no new connection is taken")
        writer.write(body[len(body) // 2 :])
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 202")
        assert await desk.ended() == 0


async def test_all_that_is_under_way_shares_one_drain_time(tmp_path: Path) -> None:
    settings = {"slack": FAST_SLACK, "server": {"drain": "2s"}}
    async with chat("it-support") as slack, deskbell(tmp_path, settings, slack.api_url) as desk:
        slack.stand_in.faults.add("chat.postMessage", FaultKind.SILENT)
        await desk.post([alert("a")])
        await until(holds(desk, SENDING), "the card is being sent")
        _, writer = await half_a_webhook(desk.port, b" " * 1000)
        begun = time.monotonic()
        desk.signal(signal.SIGTERM)
        assert await desk.ended() == 0
        writer.close()
        assert time.monotonic() - begun < 3.5


async def test_a_second_service_on_the_same_file_is_refused_and_tells_nobody_twice(tmp_path: Path) -> None:
    """It would take what the first is sending for the leftover of a crash, and send it again."""
    async with chat("it-support") as slack, deskbell(tmp_path, {"slack": FAST_SLACK}, slack.api_url) as desk:
        slack.stand_in.faults.add("chat.postMessage", FaultKind.SLOW, milliseconds=8000)
        await desk.post([alert("a")])
        await until(holds(desk, SENDING), "the card is being sent")
        second = Deskbell(tmp_path, {"slack": FAST_SLACK}, slack.api_url)
        with contextlib.suppress(AssertionError):
            await second.start()
        try:
            await until(holds(desk, "SELECT count(*) FROM notice WHERE state = 'sent'"), "the card stands")
        finally:
            await second.close()
        await desk.stop()  # which finishes the slow send
        assert slack.posted == {"card:1:slack:#it-support": 1}


async def test_a_database_that_cannot_be_opened_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "garbage.db").write_bytes(b"not a database at all" * 500)
    for url in (f"sqlite:///{tmp_path / 'garbage.db'}", f"sqlite:///{tmp_path / 'no' / 'folder.db'}"):
        for command in (("serve", "--port", "0"), ("db", "current"), ("db", "upgrade")):
            status, said = await run(*command, folder=tmp_path, DESKBELL_DATABASE_URL=url)
            assert (status, said.count("\n")) == (1, 1), said[-300:]
