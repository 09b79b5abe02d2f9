"""The floor: what an aiohttp handler costs that stores each alert durably and does nothing else.

One upsert per alert and the raw body, SQLite in WAL mode with synchronous=FULL, group commit. Everything that a service
desk does on top is measured against this.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import uvloop
from aiohttp import web

_BODY = "INSERT INTO body(at, body) VALUES (?, ?)"
_ALERT = (
    "INSERT INTO alert(fingerprint, count, first, last, body) VALUES (?, 1, ?, ?, ?) "
    "ON CONFLICT(fingerprint) DO UPDATE SET count = count + 1, last = excluded.last"
)
Waiting = tuple[bytes, list[dict[str, Any]], "asyncio.Future[None]"]


class Floor:
    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=4000", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE body(id INTEGER PRIMARY KEY, at REAL, body BLOB)")
        self._connection.execute(
            "CREATE TABLE alert(fingerprint TEXT PRIMARY KEY, count INT, first REAL, last REAL, body BLOB)"
        )
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[Waiting] = []
        self._news = asyncio.Event()

    async def write_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._news.wait()
            self._news.clear()
            batch, self._waiting = self._waiting, []
            await loop.run_in_executor(self._thread, self._write, batch)
            for _, _, done in batch:
                done.set_result(None)

    def _write(self, batch: list[Waiting]) -> None:
        now = time.time()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(_BODY, [(now, body) for body, _, _ in batch])
        rows = [(alert["fingerprint"], now, now, orjson.dumps(alert)) for _, alerts, _ in batch for alert in alerts]
        self._connection.executemany(_ALERT, rows)
        self._connection.execute("COMMIT")

    async def post(self, request: web.Request) -> web.Response:
        body = await request.read()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, orjson.loads(body)["alerts"], done))
        self._news.set()
        await done
        return web.Response(body=b'{"status":"ok"}', content_type="application/json")


async def _main(port: int, path: str) -> None:
    floor = Floor(path)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/webhooks/alertmanager", floor.post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await floor.write_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--db", required=True)
    arguments = parser.parse_args()
    uvloop.run(_main(arguments.port, arguments.db))
