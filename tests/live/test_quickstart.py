"""docs/quickstart.md, done by a shell from its first command to its last."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import textwrap
from pathlib import Path

from tests.live.monitoring import free_port, require
from tests.live.service import ROOT, environment

# What a person does between the commands: starts the service in a terminal of its own, and waits until it is ready.
START = """
deskbell serve --host 127.0.0.1 --port {port} 2>service.log &
service=$!
trap 'kill $service; wait $service' EXIT
until curl -fs -o /dev/null http://localhost:{port}/readyz; do kill -0 $service; sleep 0.1; done
"""


def script(port: int) -> str:
    page = (ROOT / "docs" / "quickstart.md").read_text()
    section = page.split("## The first ticket\n")[1].split("\n## ")[0]
    commands = [
        textwrap.dedent(text) for text in re.findall(r"^ *```sh\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)
    ]
    assert "deskbell serve\n" in commands
    lines = [START if command == "deskbell serve\n" else command.replace(":8080", ":{port}") for command in commands]
    return "set -euo pipefail\n" + "".join(line.replace("{port}", str(port)) for line in lines)


async def test_the_commands_of_the_quickstart_lead_to_a_resolved_ticket(tmp_path: Path) -> None:
    require("bash", "curl", "openssl")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script(free_port()),
        cwd=tmp_path, env=environment(PATH=path, PYTHONPATH=str(ROOT)), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 50)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    said = output.decode()
    assert process.returncode == 0, said + (tmp_path / "service.log").read_text()
    assert said.startswith("the configuration is fine\n")
    decoder, answers, rest = json.JSONDecoder(), [], said.partition("\n")[2].strip()
    while rest:
        answer, end = decoder.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].strip()
    accepted, shown, assigned, resolved, timeline = answers
    assert json.dumps(accepted, separators=(",", ":")) in (ROOT / "docs" / "quickstart.md").read_text()
    assert [ticket["status"] for ticket in (shown, assigned, resolved)] == ["new", "assigned", "resolved"]
    assert timeline["items"][-1]["type"] == "ticket.resolved"
