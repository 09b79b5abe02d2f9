"""Socket Mode: WebSockets that the app opens, envelopes that Slack sends down one of them, acknowledgements by id.

Protocol: https://docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from typing import Literal

from aiohttp import WSCloseCode, WSMsgType, web

from bot.demo.slack_facts import ACK_SECONDS, SOCKETS_LIMIT
from bot.demo.slack_records import Json
from bot.demo.slack_state import Workspace

EnvelopeKind = Literal["events_api", "slash_commands", "interactive"]
_TICKETS_KEPT = 100


class NotConnected(Exception):
    """The app has no open socket."""


class Sockets:
    """The open connections of the app, newest last."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.connections: list[web.WebSocketResponse] = []
        self._tickets: list[str] = []
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    def issue_ticket(self) -> str:
        """Good for one connection."""
        ticket = secrets.token_urlsafe(18)
        self._tickets = [*self._tickets[1 - _TICKETS_KEPT :], ticket]
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="invalid ticket")
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.connections) >= SOCKETS_LIMIT:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        self.connections.append(socket)
        await socket.send_json(self._hello())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(message.data)
        finally:
            self.connections.remove(socket)
        return socket

    async def deliver(
        self, kind: EnvelopeKind, payload: Json, *, retry: int = 0, reason: str = "", within: float = ACK_SECONDS
    ) -> Json | None:
        """Send one envelope to the newest connection; the payload of its acknowledgement, None for an empty one.

        Raises NotConnected, or TimeoutError when the app does not acknowledge ``within`` seconds.
        """
        if not self.connections:
            raise NotConnected
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "accepts_response_payload": kind != "events_api",
            "payload": payload,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": reason}
        acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = acknowledged
        try:
            await self.connections[-1].send_json(envelope)
            answer = await asyncio.wait_for(acknowledged, within)
        finally:
            del self._waiting[envelope["envelope_id"]]
        return answer.get("payload")

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask the app to come back on a new connection, as Slack does every few hours."""
        for socket in list(self.connections):
            await socket.send_json({"type": "disconnect", "reason": reason})

    async def close(self, _: web.Application) -> None:
        for socket in list(self.connections):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self._workspace.app.app_id},
            "debug_info": {"host": "applink-0", "approximate_connection_time": 18060},
        }

    def _acknowledge(self, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        envelope = answer.get("envelope_id") if isinstance(answer, dict) else None
        waiting = self._waiting.get(envelope) if isinstance(envelope, str) else None
        if waiting is None or waiting.done():
            self._workspace.violate("socket_mode", "unknown_envelope", text[:200])
        else:
            waiting.set_result(answer)
