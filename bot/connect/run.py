"""The sub-command: prints or writes the snippets, and may wait for the first alert."""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path

import msgspec

from bot.connect.snippets import KINDS, snippets
from bot.process import FAILED, OK, WRONG_USAGE, load_or_explain
from core.config.problems import suggestion
from core.config.settings import Settings
from core.integrations import BUILT_IN

_LOOK_EVERY = 1.0


class Wanted(msgspec.Struct, frozen=True):
    """What was asked for on the command line. ``wait``: seconds to wait for the first alert."""

    source: str
    base_url: str | None = None
    output: Path | None = None
    wait: int | None = None


def run_connect(config: Path | None, wanted: Wanted) -> int:
    settings = load_or_explain(config)
    if settings is None:
        return FAILED
    kind = _kind(wanted.source, settings)
    if kind is None:
        hint = suggestion(wanted.source, (*KINDS, *settings.sources)) or f"known: {', '.join(KINDS)}"
        sys.stderr.write(f"no source is called {wanted.source}; {hint}\n")
        return WRONG_USAGE
    if kind not in KINDS:
        sys.stderr.write(f"{wanted.source} is of kind {kind}, which any JSON fits: see docs/webhooks.md\n")
        return WRONG_USAGE
    base = wanted.base_url or settings.base_url or f"http://localhost:{settings.server.port}"
    token = secrets.token_urlsafe(32)
    try:
        files = snippets(kind, wanted.source, base, token)
        _give(files, wanted.output)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    sys.stderr.write(_what_to_do(wanted.source, kind, token))
    return _wait(settings, wanted.source, wanted.wait) if wanted.wait else OK


def _kind(source: str, settings: Settings) -> str | None:
    known = settings.sources.get(source) or BUILT_IN.get(source)
    return known.kind if known else None


def _give(files: dict[str, str], output: Path | None) -> None:
    """Print the files, or write them where nobody else can read the token."""
    for name, text in files.items():
        if output is None:
            sys.stdout.write(text if len(files) == 1 else f"===== {name} =====\n{text}\n")
            continue
        output.mkdir(parents=True, exist_ok=True)
        path = output / name
        mode = 0o700 if text.startswith("#!") else 0o600
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
        path.chmod(mode)
        sys.stderr.write(f"{path}\n")


def _what_to_do(source: str, kind: str, token: str) -> str:
    variable = f"DESKBELL_TOKEN_{source.upper().replace('-', '_')}"
    return (
        "\nThe token is new and known nowhere else. Give it to Deskbell, then restart it:\n\n"
        f"  export {variable}={token}\n\n"
        "  # deskbell.yaml\n"
        "  sources:\n"
        f"    {source}:\n"
        f"      kind: {kind}\n"
        f"      token: ${{{variable}}}\n"
    )


def _wait(settings: Settings, source: str, seconds: int) -> int:
    """Look into the journal until a delivery of the source is there; says what became of it."""
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    from core.store.database import connect
    from core.store.session import JOURNAL

    newest = select(JOURNAL.c.id, JOURNAL.c.state, JOURNAL.c.receipt).where(JOURNAL.c.source == source)
    newest = newest.order_by(JOURNAL.c.id.desc()).limit(1)
    try:
        with connect(settings.database.url).connect() as connection:
            before = connection.execute(newest).first()
            connection.rollback()
            sys.stderr.write(f"\nwaiting up to {seconds} seconds for an alert of {source} ...\n")
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                row = connection.execute(newest).first()
                connection.rollback()
                if row is not None and (before is None or row.id > before.id):
                    return _judge(row.state, row.receipt or {})
                time.sleep(_LOOK_EVERY)
    except SQLAlchemyError as error:
        sys.stderr.write(f"the database cannot be read: {getattr(error, 'orig', None) or error}\n")
        return FAILED
    sys.stderr.write("nothing has come\n")
    return FAILED


def _judge(state: str, receipt: dict[str, object]) -> int:
    if state == "dead":
        problem = receipt.get("problem")
        why = problem.get("message") if isinstance(problem, dict) else "unknown"
        sys.stderr.write(f"it has come, and was not understood: {why}\n")
        return FAILED
    sys.stderr.write(f"it has come; tickets: {receipt.get('tickets') or 'none'}\n")
    return OK
