"""What the sub-commands do: read the configuration, run, and leave with the right exit status."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from core.config.check import check
from core.config.load import ConfigError, Loaded, load_with_lines
from core.config.problems import ConfigProblem
from core.config.settings import Settings

_log = logging.getLogger("deskbell")
OK, FAILED, WRONG_USAGE = 0, 1, 2


def load_or_explain(path: Path | None) -> Settings | None:
    """The settings, or None after every problem is printed, a line each."""
    loaded = _load(path)
    return loaded.settings if loaded else None


def _load(path: Path | None) -> Loaded | None:
    try:
        return load_with_lines(path, os.environ)
    except ConfigError as error:
        show(error.problems)
        return None


def show(problems: list[ConfigProblem]) -> None:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")


def run_service(config: Path | None, host: str | None, port: int | None, insecure_teams: bool) -> int:
    loaded = _load(config)
    if loaded is None:
        return FAILED
    errors = [problem for problem in check(loaded.settings, loaded.lines, loaded.variables) if problem.level == "error"]
    if errors:
        show(errors)
        return FAILED
    settings, server = loaded.settings, loaded.settings.server
    server = server.model_copy(update={"host": host or server.host, "port": server.port if port is None else port})
    settings = settings.model_copy(update={"server": server})
    if insecure_teams:
        if not _is_loopback(server.host):
            sys.stderr.write("--insecure-teams goes only with a loopback address: add --host 127.0.0.1\n")
            return WRONG_USAGE
        settings = settings.model_copy(update={"msteams": settings.msteams.model_copy(update={"insecure": True})})
    from bot.logs import set_up_logging

    set_up_logging(settings.log)
    return run_async(_serve(settings))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def run_async(main: object) -> int:
    """Run a coroutine that returns an exit status, on uvloop where it is installed."""
    try:
        import uvloop

        return int(uvloop.run(main))  # type: ignore[arg-type]
    except ImportError:
        return int(asyncio.run(main))  # type: ignore[arg-type]


async def _serve(settings: Settings) -> int:
    from bot.app import build, serve

    stopped = stop_signal()
    with exclusive(settings) as problem:
        try:
            service = build(settings) if problem is None else None
        except (ValueError, SQLAlchemyError) as error:
            service, problem = None, unusable(error)
        if service is None:
            sys.stderr.write(f"{problem}\n")
            return FAILED
        _announce(settings)
        try:
            await serve(service, settings.server.host, settings.server.port, stopped, _ready)
        except OSError as error:
            sys.stderr.write(f"cannot listen on {settings.server.host}:{settings.server.port}: {error.strerror}\n")
            return FAILED
    _log.info("stopped; everything begun is finished")
    return OK


@contextlib.contextmanager
def exclusive(settings: Settings) -> Iterator[str | None]:
    """Have the database for oneself; gives what is wrong where that is not possible."""
    from core.store.lock import InUse, held

    with contextlib.ExitStack() as stack:
        problem: str | None = None
        try:
            stack.enter_context(held(settings.database.url))
        except (InUse, OSError) as error:
            problem = str(error) if isinstance(error, InUse) else f"the database cannot be opened: {error.strerror}"
        yield problem


def unusable(error: Exception) -> str:
    """One line about a database that cannot be opened or upgraded."""
    if isinstance(error, SQLAlchemyError):
        return f"the database cannot be opened: {getattr(error, 'orig', None) or error}"
    return str(error)


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    return stopped


def _ready(address: str) -> None:
    # What was loaded to start lives as long as the process: a full collection that visits it all stops everything for
    # tens of milliseconds.
    gc.collect()
    gc.freeze()
    _log.info("ready on %s", address)


def _announce(settings: Settings) -> None:
    """Say which doors are shut, and which variable opens them."""
    if not settings.slack.enabled:
        _log.info("Slack is off: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET (or SLACK_APP_TOKEN)")
    if not settings.msteams.enabled:
        _log.info("Teams is off: set MICROSOFT_APP_ID and MICROSOFT_APP_PASSWORD")
    if settings.webhook_token is None and all(source.token is None for source in settings.sources.values()):
        _log.warning("webhooks are refused: set DESKBELL_WEBHOOK_TOKEN, or a token for each source")
    if settings.api_token is None:
        _log.info("the HTTP API is off: set DESKBELL_API_TOKEN")


def run_check(config: Path | None, online: bool) -> int:
    loaded = _load(config)
    if loaded is None:
        return FAILED
    problems = check(loaded.settings, loaded.lines, loaded.variables)
    show(problems)
    if online:
        from bot.online import check_online

        problems += run_probes(check_online(loaded.settings))
    errors = [problem for problem in problems if problem.level == "error"]
    sys.stdout.write("the configuration is not usable yet\n" if errors else "the configuration is fine\n")
    return FAILED if errors else OK


def run_probes(probes: object) -> list[ConfigProblem]:
    found: list[ConfigProblem] = asyncio.run(probes)  # type: ignore[arg-type]
    show(found)
    return found


def run_upgrade(config: Path | None) -> int:
    settings = load_or_explain(config)
    if settings is None:
        return FAILED
    from core.store.database import connect
    from core.store.upgrade import HEAD, upgrade

    with exclusive(settings) as problem:
        if problem is None:
            try:
                changed = upgrade(connect(settings.database.url))
            except (ValueError, SQLAlchemyError) as error:
                problem = unusable(error)
            else:
                sys.stdout.write(f"{'upgraded to' if changed else 'already at'} {HEAD}\n")
                return OK
        sys.stderr.write(f"{problem}\n")
        return FAILED


def print_current(config: Path | None) -> int:
    settings = load_or_explain(config)
    if settings is None:
        return FAILED
    from core.store.database import connect
    from core.store.upgrade import current

    try:
        sys.stdout.write(f"{current(connect(settings.database.url)) or 'empty'}\n")
    except SQLAlchemyError as error:
        sys.stderr.write(f"{unusable(error)}\n")
        return FAILED
    return OK
