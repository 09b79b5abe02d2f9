"""What is written to the log, whatever goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

from bot.demo.faults import FaultKind
from tests.live.chat import chat
from tests.live.service import API_TOKEN, BOT_TOKEN, SIGNING_SECRET, WEBHOOK_TOKEN, alert, deskbell, until

# Secrets in every place that a confused or hostile caller can put them.
CONFUSED: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("POST", f"/webhooks/alertmanager?token={WEBHOOK_TOKEN}", {}),
    ("POST", f"/webhooks/nobody?token={WEBHOOK_TOKEN}", {}),
    ("POST", f"/webhooks/{WEBHOOK_TOKEN}", {}),
    ("POST", "/webhooks/alertmanager", {"Authorization": f"Basic {WEBHOOK_TOKEN}"}),
    ("POST", "/webhooks/alertmanager", {"Authorization": f"Bearer {WEBHOOK_TOKEN}", "User-Agent": BOT_TOKEN}),
    ("POST", "/api/messages", {"Authorization": f"Bearer {BOT_TOKEN}"}),
    ("POST", "/slack/events", {"X-Slack-Signature": SIGNING_SECRET, "X-Slack-Request-Timestamp": "1"}),
    ("POST", "/api/v1/tickets", {"Authorization": f"Bearer {API_TOKEN}"}),
    ("GET", f"/api/v1/tickets?token={API_TOKEN}", {"Authorization": f"Bearer {API_TOKEN}"}),
    ("GET", f"/{API_TOKEN}", {}),
)


async def test_the_log_is_json_line_by_line_and_holds_no_secret(tmp_path: Path) -> None:
    async with chat("it-support") as slack, deskbell(tmp_path, None, slack.api_url, DESKBELL_LOG="json") as desk:
        slack.stand_in.faults.add("chat.postMessage", FaultKind.REFUSED, code="invalid_auth", status=200)
        await desk.post([alert("db-1")])

        async def given_up() -> bool:
            return any(notice["state"] == "failed" for notice in await desk.told(1))

        await until(given_up, "the refused card is given up")
        for method, path, headers in CONFUSED:
            status, _ = await desk.request(method, path, headers=headers, data=b"not JSON: \xff")
            assert status < 500, path
        await desk.stop()
        lines = [json.loads(line) for line in desk.log.splitlines()]
        assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in lines)
        assert any("invalid_auth" in line["event"] for line in lines)
