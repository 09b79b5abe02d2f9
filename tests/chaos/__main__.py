"""Nothing that was answered 202 is lost, no ticket is double, no chat message is double, none is missing.

Each round starts ``deskbell serve`` on the same database, sends it new alerts and commands from several clients, has
the stand-in Slack misbehave now and then (a connection dropped after the message was taken, a 500, a 429), and kills it
at a random moment. What was not answered is sent again in a later round, as Alertmanager would. At the end the service
is left to finish, and everything is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml
from aiohttp import web

from bot.demo import slack_state
from bot.demo.faults import FaultKind
from bot.demo.slack_api import SlackStandIn
from bot.demo.slack_records import Change, ChangeKind

ROOT = Path(__file__).parents[2]
_TOKEN, _ALERTS_A_POST, _CLIENTS = "chaos-token", 3, 4
_CHANNELS = tuple(f"c{n}" for n in range(4))
_FAULTS = (FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE, FaultKind.SERVER_ERROR, FaultKind.RATE_LIMITED)
_SETTLE_LIMIT = 120.0


class Chaos:
    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        slack_state.MESSAGES_KEPT = 1_000_000
        self._slack = SlackStandIn(bot_token="xoxb-chaos")
        self._posted: Counter[str] = Counter()
        self._port = 0
        self._slack_port = 0
        self._sent = 0
        self._pending: list[str] = []
        self.answered: set[str] = set()

    # -- the surroundings

    async def start_slack(self) -> web.AppRunner:
        for name in _CHANNELS:
            self._slack.workspace.add_channel(name)
        self._slack.workspace.feed.callbacks.append(self._record)
        runner = web.AppRunner(self._slack.app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._slack_port = runner.addresses[0][1]
        return runner

    def _record(self, change: Change) -> None:
        if change.kind is ChangeKind.MESSAGE_POSTED:
            payload: dict[str, Any] = (change.payload.get("metadata") or {}).get("event_payload") or {}
            self._posted[str(payload.get("key"))] += 1

    def write_configuration(self) -> Path:
        rules = [
            {
                "name": f"card_{name}",
                "on": ["ticket.created"],
                "when": f"ticket.team == '{name}'",
                "to": [f"slack:#{name}"],
                "show": "card",
            }
            for name in _CHANNELS
        ]
        story = {"name": "story", "on": ["ticket.assigned", "ticket.resolved"], "to": ["cards"], "show": "thread"}
        slack = {"per_channel_rate": 1000, "per_channel_burst": 1000}
        path = self._folder / "deskbell.yaml"
        storm = {"cards": 0}  # Every ticket has its card, so that cards can be counted.
        settings = {"notifications": [*rules, story], "notifications_storm": storm, "slack": slack}
        path.write_text(yaml.safe_dump(settings))
        return path

    async def start_service(self, config: Path) -> asyncio.subprocess.Process:
        self._port = _free_port()
        environment = {
            **os.environ,
            "DESKBELL_DATABASE_URL": f"sqlite:///{self._folder / 'deskbell.db'}",
            "DESKBELL_WEBHOOK_TOKEN": _TOKEN,
            "DESKBELL_API_TOKEN": _TOKEN,
            "SLACK_API_URL": f"http://127.0.0.1:{self._slack_port}/api/",
            "SLACK_BOT_TOKEN": "xoxb-chaos",
            "SLACK_SIGNING_SECRET": "chaos",
        }
        address = ("--host", "127.0.0.1", "--port", str(self._port))
        command = (sys.executable, "-m", "bot", "serve", "--config", str(config), *address)
        log = (self._folder / "service.log").open("ab")
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stderr=log)
        log.close()
        return process

    # -- a round

    async def round(self, config: Path) -> None:
        process = await self.start_service(config)
        async with self._session() as session:
            await self._ready(session, process)
            clients = [asyncio.create_task(self._client(session)) for _ in range(_CLIENTS)]
            for _ in range(self._random.randrange(3)):
                self._slack.faults.add("chat.postMessage", self._random.choice(_FAULTS))
            await asyncio.sleep(self._random.uniform(0.05, 1.2))
            process.kill()
            await process.wait()
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
        self._slack.faults.clear()

    def _session(self) -> aiohttp.ClientSession:
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        return aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10))

    async def _ready(self, session: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise RuntimeError(f"the service ended: {(self._folder / 'service.log').read_text()[-2000:]}")
            try:
                async with session.get(f"http://127.0.0.1:{self._port}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
        raise RuntimeError("the service did not become ready")

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while True:
            batch = [self._next() for _ in range(_ALERTS_A_POST)]
            try:
                tickets = await self._post(session, batch)
                if tickets and self._random.random() < 0.3:
                    await self._act(session, self._random.choice(tickets))
                await asyncio.sleep(self._random.uniform(0.0, 0.1))
            except aiohttp.ClientError:
                return
            finally:
                self._pending += [name for name in batch if name not in self.answered]

    def _next(self) -> str:
        if self._pending:
            return self._pending.pop()
        self._sent += 1
        return f"chaos-{self._sent:06d}"

    async def _post(self, session: aiohttp.ClientSession, names: list[str]) -> list[int]:
        body = orjson.dumps({"version": "4", "alerts": [_alert(name) for name in names]})
        async with session.post(f"http://127.0.0.1:{self._port}/webhooks/alertmanager", data=body) as response:
            answer = await response.json()
            if response.status != 202:
                raise RuntimeError(f"answered {response.status}")
            self.answered.update(names)
            tickets: list[int] = answer["tickets"]
            return tickets

    async def _act(self, session: aiohttp.ClientSession, ticket: int) -> None:
        verb, body = self._random.choice((("assign", {"assignee": "kim"}), ("resolve", {"resolution": "fixed"})))
        async with session.post(f"http://127.0.0.1:{self._port}/api/v1/tickets/{ticket}/{verb}", json=body) as response:
            await response.read()

    # -- the end

    async def settle_and_count(self, config: Path) -> list[str]:
        """What is wrong after everything had time to finish; empty is what it should be."""
        process = await self.start_service(config)
        try:
            async with self._session() as session:
                await self._ready(session, process)
                await self._post_pending(session)
                await self._wait_for_outbox(session)
                return await self._count(session)
        finally:
            process.terminate()
            await process.wait()

    async def _post_pending(self, session: aiohttp.ClientSession) -> None:
        while self._pending:
            batch, self._pending = self._pending[:50], self._pending[50:]
            await self._post(session, batch)

    async def _wait_for_outbox(self, session: aiohttp.ClientSession) -> None:
        deadline, quiet = time.monotonic() + _SETTLE_LIMIT, 0
        while quiet < 5 and time.monotonic() < deadline:
            async with session.get(f"http://127.0.0.1:{self._port}/api/v1/stats") as response:
                waiting = (await response.json())["notices_waiting"]
            quiet = quiet + 1 if waiting == 0 else 0
            await asyncio.sleep(0.1)

    async def _count(self, session: aiohttp.ClientSession) -> list[str]:
        tickets_of = await self._tickets_of(session)
        wrong = [f"answered and not there: {name}" for name in sorted(self.answered) if name not in tickets_of]
        holders = Counter(tickets_of.values())
        wrong += [
            f"ticket {ticket} is missing"
            for ticket in sorted(set(range(1, max(holders, default=0) + 1)) - set(holders))
        ]
        wrong += [f"told {count} times: {key}" for key, count in self._posted.items() if count > 1]
        for ticket in sorted(set(tickets_of.values())):
            wrong += await self._undelivered(session, ticket)
        wrong += [f"refused by Slack: {violation}" for violation in self._slack.violations]
        return wrong

    async def _tickets_of(self, session: aiohttp.ClientSession) -> dict[str, int]:
        found: dict[str, int] = {}
        cursor: str | None = None
        while True:
            parameters = {"limit": "200", **({"cursor": cursor} if cursor else {})}
            async with session.get(f"http://127.0.0.1:{self._port}/api/v1/alerts", params=parameters) as response:
                page = await response.json()
            found |= {item["fingerprint"]: item["ticket"] for item in page["items"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def _undelivered(self, session: aiohttp.ClientSession, ticket: int) -> list[str]:
        async with session.get(f"http://127.0.0.1:{self._port}/api/v1/tickets/{ticket}/deliveries") as response:
            items = (await response.json())["items"]
        wrong = [
            f"ticket {ticket}: {item['show']} is {item['state']}: {item['reason']}"
            for item in items
            if item["state"] not in ("sent", "superseded")
        ]
        cards = [item for item in items if item["show"] == "card"]
        return wrong if len(cards) == 1 else [*wrong, f"ticket {ticket} has {len(cards)} cards"]

    @property
    def summary(self) -> str:
        return f"{len(self.answered)} alerts answered, {sum(self._posted.values())} messages posted"


def _alert(name: str) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {
            "alertname": "Chaos",
            "instance": name,
            "severity": "critical",
            "team": _CHANNELS[hash(name) % len(_CHANNELS)],
        },
        "annotations": {"summary": f"Chaos at {name}"},
        "startsAt": "2026-11-23T00:30:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": name,
    }


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _main(rounds: int, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="deskbell-chaos-") as folder:
        chaos = Chaos(Path(folder), seed)
        slack = await chaos.start_slack()
        config = chaos.write_configuration()
        try:
            for number in range(1, rounds + 1):
                await chaos.round(config)
                if number % 10 == 0:
                    print(f"round {number}: {chaos.summary}", flush=True)
            wrong = await chaos.settle_and_count(config)
        finally:
            await slack.cleanup()
    print(f"{rounds} rounds with seed {seed}: {chaos.summary}, {len(wrong)} things wrong")
    for line in wrong[:50]:
        print(f"  {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    sys.exit(asyncio.run(_main(arguments.rounds, arguments.seed)))
