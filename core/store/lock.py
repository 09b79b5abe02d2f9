"""One service to a database file: a second one would take what the first is sending for the leftover of a crash."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url


class InUse(ValueError):
    """Another process has the database; the message is for the operator."""


@contextlib.contextmanager
def held(url: str) -> Iterator[None]:
    """Have the file of an embedded database for oneself; the system gives it back when the process ends, however.

    Raises ``InUse``. A database in memory or on a server is not locked.
    """
    path = make_url(url).database
    if not url.startswith("sqlite:") or not path or path == ":memory:":
        yield
        return
    try:
        import fcntl
    except ImportError:  # Windows: SQLite's own locks are all there is.
        yield
        return
    descriptor = os.open(Path(f"{path}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise InUse(f"the database {path} is in use by another Deskbell; stop that one first") from error
    try:
        yield
    finally:
        os.close(descriptor)
