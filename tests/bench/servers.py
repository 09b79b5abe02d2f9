"""Starts what is measured, each in a process of its own, and ends it again."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import yaml

TOKEN = "bench-token"
SIGNING_SECRET = "bench-signing-secret"
ROOT = Path(__file__).parents[2]
_SHARED_FLOOR = ROOT.parent / "shared" / "bench" / "floor.py"
_START_LIMIT = 60.0


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="deskbell-bench-") as name:
        yield Path(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """A server process: its address, and what it uses."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, path: str, ready_after: float) -> None:
        self.process = process
        self.port = port
        self.webhook = f"http://127.0.0.1:{port}{path}"
        self.ready_after = ready_after

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024  # type: ignore[index]


@contextlib.contextmanager
def _running(command: list[str], port: int, path: str, probe: str, environment: dict[str, str]) -> Iterator[Running]:
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        while not _answers(f"http://127.0.0.1:{port}{probe}"):
            if process.poll() is not None or time.monotonic() - started > _START_LIMIT:
                raise RuntimeError(f"did not start: {' '.join(command)}")
            time.sleep(0.01)
        yield Running(process, port, path, time.monotonic() - started)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def floor(folder: Path) -> contextlib.AbstractContextManager[Running]:
    """The bare handler; the reference one beside the project where it is there, else our own."""
    port, database = free_port(), str(folder / "floor.db")
    if _SHARED_FLOOR.exists():
        own = ["--store", "sqlite-upsert", "--sync", "FULL"]
        command = [sys.executable, str(_SHARED_FLOOR), "--port", str(port), "--db", database, *own]
        return _running(command, port, "/alerts", "/healthz", {})
    command = [sys.executable, "-m", "tests.bench.floor", "--port", str(port), "--db", database]
    return _running(command, port, "/webhooks/alertmanager", "/", {})


def deskbell(
    folder: Path, settings: dict[str, object] | None = None, slack_url: str | None = None
) -> contextlib.AbstractContextManager[Running]:
    """``deskbell serve`` on a database in ``folder``, which may exist already."""
    port, config = free_port(), folder / "deskbell.yaml"
    config.write_text(yaml.safe_dump(settings or {}))
    environment = {
        "DESKBELL_DATABASE_URL": f"sqlite:///{folder / 'deskbell.db'}",
        "DESKBELL_WEBHOOK_TOKEN": TOKEN,
        "DESKBELL_API_TOKEN": TOKEN,
    }
    if slack_url is not None:
        environment |= {
            "SLACK_API_URL": slack_url,
            "SLACK_BOT_TOKEN": "xoxb-bench",
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        }
    command = [
        sys.executable,
        "-m",
        "bot",
        "serve",
        "--config",
        str(config),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    return _running(command, port, "/webhooks/alertmanager", "/readyz", environment)
