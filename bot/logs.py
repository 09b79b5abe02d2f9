"""Logs: readable lines or JSON, one event a line, secrets left out by never being handed in."""

from __future__ import annotations

import logging
import sys

import structlog

_SHARED = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
# Libraries that speak of every request, with addresses and tokens in them.
_QUIET = ("aiohttp", "slack_bolt", "slack_sdk", "msrest", "msal", "urllib3", "botbuilder", "botframework", "alembic")


def set_up_logging(style: str, level: int = logging.INFO) -> None:
    """``style`` is text or json."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=list(_SHARED),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
