"""The database file and its one writer.

Writes go through one thread: whatever waits while a commit runs shares the next one (group commit), each unit of work
below its own savepoint. The transaction is taken with BEGIN IMMEDIATE, so that a reader never turns into a writer that
must give up. ``synchronous=FULL`` in WAL mode: what was answered is on the disk. Reads run on connections of their own
and never wait for the writer.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from core.errors import StoreUnavailable
from core.store import prepared
from core.store.session import AlertKey, Session

_log = logging.getLogger(__name__)
T = TypeVar("T")
_BATCH = 256
_READERS = 4
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=5000",
    "foreign_keys=ON",
    "cache_size=-8192",
    "temp_store=MEMORY",
)
# The writer alone needs a large cache. It moves the log into the file itself only if nobody else has for long.
_WRITER_PRAGMAS = ("cache_size=-65536", "wal_autocheckpoint=20000")
_STOP = None


class _Unit:
    """One piece of work for the writer, and who waits for it."""

    __slots__ = ("alerts", "future", "loop", "run", "tickets")

    def __init__(self, run: Callable[[Session], Any], alerts: Iterable[AlertKey]) -> None:
        self.run = run
        self.alerts = alerts
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()


def connect(url: str, *, durable: bool = True) -> Engine:
    """An engine for a SQLite file with the pragmas that durability rests on; without ``durable`` a loss of power may
    cost what was written last. Raises ValueError for another database."""
    if not url.startswith("sqlite:"):
        raise ValueError("only sqlite:/// databases are known to this version")
    engine = create_engine(
        url,
        poolclass=QueuePool,
        hide_parameters=True,  # errors are logged, and rows hold what people wrote
        pool_size=_READERS + 2,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in _PRAGMAS if durable else (*_PRAGMAS, "synchronous=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


class Database:
    """Reads with ``read``, writes with ``write``; both take a function that runs in a thread of the database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_forever, name="deskbell-writer", daemon=True)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="deskbell-reader")
        self._on_events: list[tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = []
        self._connection: Connection | None = None
        self._closed = False
        self.healthy = True
        self.commits = 0

    def start(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        """Finish what was handed in, then stop. A write that comes later raises ``StoreUnavailable``."""
        self._closed = True
        self._queue.put(_STOP)
        await asyncio.to_thread(self._thread.join)
        self._drop_connection()
        self._readers.shutdown()
        self.engine.dispose()

    def on_events(self, wake: Callable[[], None]) -> None:
        """``wake`` is called in the event loop after every commit that wrote events."""
        self._on_events.append((asyncio.get_running_loop(), wake))

    async def write(self, run: Callable[[Session], T], alerts: Iterable[AlertKey] = ()) -> T:
        """Run one unit of work and return its result when it is durable.

        ``alerts`` are read for the whole batch at once. What ``run`` raises is raised here and nothing of it is kept.
        Raises ``StoreUnavailable`` when the database cannot take a write.
        """
        if self._closed:
            raise StoreUnavailable()
        unit = _Unit(run, alerts)
        self._queue.put(unit)
        result: T = await unit.future
        return result

    async def read(self, run: Callable[[Connection], T]) -> T:
        """Run a query on a connection of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, run)

    def _read(self, run: Callable[[Connection], T]) -> T:
        try:
            with self.engine.connect() as connection:
                return run(connection)
        except (OperationalError, sqlite3.OperationalError) as error:
            if not _is_about_the_store(error):
                raise
            raise StoreUnavailable() from error

    async def checkpoint(self) -> int:
        """Move what is committed from the log into the file, beside the writer instead of within a commit; returns the
        length of the log in pages."""
        done = await self.read(lambda connection: connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one())
        return int(done[1])

    # -- the writer's thread

    def _write_forever(self) -> None:
        while True:
            first = self._queue.get()
            if first is _STOP:
                return
            batch, stop = [first], False
            while len(batch) < _BATCH:
                try:
                    unit = self._queue.get_nowait()
                except queue.Empty:
                    break
                if unit is _STOP:
                    stop = True
                    break
                batch.append(unit)
            self._write(batch)
            if stop:
                return

    def _write(self, batch: list[_Unit]) -> None:
        try:
            results, events = self._commit(batch)
        except Exception as error:
            if len(batch) > 1 and not _is_about_the_store(error):
                for unit in batch:
                    self._write([unit])
            else:
                self._refuse(batch, error)
            return
        self.healthy = True
        self._tell(results, events)

    def _commit(self, batch: list[_Unit]) -> tuple[list[tuple[_Unit, Any, BaseException | None]], int]:
        results: list[tuple[_Unit, Any, BaseException | None]] = []
        connection = self._writer_connection()
        try:
            prepared.begin(connection)
            session = Session(connection)
            session.load_alerts(key for unit in batch for key in unit.alerts)
            for unit in batch:
                results.append((unit, *_run(unit, session)))
            session.flush()
            prepared.commit(connection)
        except BaseException:
            self._drop_connection()
            raise
        self.commits += 1
        return results, session.events_written

    def _writer_connection(self) -> Connection:
        """The writer's own connection, kept from one commit to the next."""
        if self._connection is None:
            if not self.healthy:
                self.engine.dispose()  # a connection that was opened while the file was read-only stays so
            self._connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            for pragma in _WRITER_PRAGMAS:
                self._connection.exec_driver_sql(f"PRAGMA {pragma}")
        return self._connection

    def _drop_connection(self) -> None:
        """Roll back by closing: what went wrong may have taken the connection with it."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _refuse(self, batch: list[_Unit], error: Exception) -> None:
        reason = error
        if _is_about_the_store(error):
            self.healthy = False
            _log.error("the database cannot take a write: %s", getattr(error, "orig", error))
            reason = StoreUnavailable()
        self._tell([(unit, None, reason) for unit in batch], 0)

    def _tell(self, results: list[tuple[_Unit, Any, BaseException | None]], events: int) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Unit, Any, BaseException | None]]] = {}
        for result in results:
            by_loop.setdefault(result[0].loop, []).append(result)
        for loop, own in by_loop.items():
            _call(loop, _settle, own)
        if events:
            for loop, wake in self._on_events:
                _call(loop, wake)


def _run(unit: _Unit, session: Session) -> tuple[Any, BaseException | None]:
    session.begin_unit()
    try:
        result = unit.run(session)
        session.end_unit()
    except (DBAPIError, sqlite3.Error) as error:
        if _is_about_the_store(error):
            raise
        session.drop_unit()
        return None, error
    except Exception as error:
        session.drop_unit()
        return None, error
    return result, None


def _settle(results: list[tuple[_Unit, Any, BaseException | None]]) -> None:
    for unit, result, error in results:
        if unit.future.done():
            continue
        if error is None:
            unit.future.set_result(result)
        else:
            unit.future.set_exception(error)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: Any) -> None:
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        _log.debug("the event loop has closed; nobody waits for the answer")


def _is_about_the_store(error: Exception) -> bool:
    """Whether the disk or the file is at fault (full, read-only, locked), rather than a statement."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, sqlite3.Error):
        return isinstance(error, OperationalError)
    name = getattr(cause, "sqlite_errorname", "") or ""
    return name.startswith(
        ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN")
    )
