"""Slack over Socket Mode: a WebSocket that we open, where Slack cannot reach us. The handlers are those of HTTP."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any, cast

import aiohttp
from pydantic import SecretStr
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import payloads
from bot.slack.inflight import Inflight
from bot.slack.switch import Bolt
from core.config.settings import SlackSettings
from core.ports import Memory

LOGGER = "bot.slack.socket_mode"
_REPEAT_SECONDS = 600
_SECRET = re.compile(r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=ticket=)[^&\s'\"]+")


class SocketTransport:
    """``start`` does not wait for Slack: connecting goes on until it works."""

    def __init__(
        self, settings: SlackSettings, token: SecretStr, app: Bolt, session: aiohttp.ClientSession,
        inflight: Inflight, seen: Memory,
    ) -> None:  # fmt: skip
        self._settings, self._token, self._app, self._session = settings, token, app, session
        self._inflight, self._seen = inflight, seen
        self._handler: _Handler | None = None
        self._connecting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._handler = _Handler(
            cast(AsyncApp, self._app),  # the SDK dispatches to it, and asks nothing else of it
            self._token.get_secret_value(),
            logger=_logger(),
            web_client=AsyncWebClient(base_url=self._settings.api_url, session=self._session, retry_handlers=[]),
        )
        self._handler.attach(self._inflight, self._seen)
        client: Any = self._handler.client
        self._connecting = asyncio.get_running_loop().create_task(client.connect())

    def stop_taking(self) -> None:
        """What comes from now on is not acknowledged, so that Slack gives it to another connection."""
        if self._handler is not None:
            self._handler.closing = True

    async def close(self) -> None:
        """Close the socket. Everything under way should have been drained, because its acknowledgement goes down it."""
        if self._handler is None or self._connecting is None:
            return
        client: Any = self._handler.client
        self._connecting.cancel()
        await client.close()
        left = (self._connecting, client.message_processor, client.current_session_monitor, client.message_receiver)
        await asyncio.gather(*(task for task in left if task is not None), return_exceptions=True)


class _Handler(AsyncSocketModeHandler):
    closing = False
    _inflight: Inflight
    _seen: Memory

    def attach(self, inflight: Inflight, seen: Memory) -> None:
        self._inflight, self._seen = inflight, seen

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        if not self.closing:
            await self._inflight.run(self._handle(client, req))

    async def _handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:
        payloads.check(req.payload)
        # Events are told apart by their own id.
        key = f"slack:envelope:{req.envelope_id}"
        if req.type == "events_api" or await self._seen.first_time(key, _REPEAT_SECONDS):
            await super().handle(client, req)
        else:
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))


class _Redacted(logging.Filter):
    """The SDK writes the socket's address and Slack's answers into its lines, and with them what opens the socket."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _SECRET.sub("[secret]", record.getMessage()), None
        record.exc_info = None
        return True


def _logger() -> logging.Logger:
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    if not any(isinstance(known, _Redacted) for known in logger.filters):
        logger.addFilter(_Redacted())
    return logger
