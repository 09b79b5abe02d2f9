"""What happens by the clock. Each job is one sentence; when it runs twice or late, nothing is lost or done twice.

The promises' warnings are instants that stand with their tickets: the ticker only asks what is due now.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.metrics import Metrics
from core.desk.desk import Desk
from core.errors import StoreUnavailable
from core.store import housekeeping, queries, ratings, search

_log = logging.getLogger(__name__)
_CHECKPOINTS = 5  # a second, at most
_LONG_LOG = 1000  # pages of 4 KiB


class Jobs:
    def __init__(self, desk: Desk, metrics: Metrics) -> None:
        self._desk = desk
        self._metrics = metrics
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 300}
        )

    def start(self) -> None:
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # that one run is late is no news
        for job, seconds in (
            (self.keep_promises, 1),
            (self.index, 2),
            (self.checkpoint, 1),
            (self.measure, 15),
            (self.tidy, 600),
        ):
            self._scheduler.add_job(job, "interval", seconds=seconds, id=job.__name__)
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def keep_promises(self) -> None:
        """Give the warnings and record the breaches that are due."""
        try:
            while await self._desk.work.run_due() > 0:
                pass
        except StoreUnavailable:
            _log.warning("promises wait: the database cannot take a write")

    async def index(self) -> None:
        """Bring the full-text index up to date."""
        try:
            while await search.index_round(self._desk.database):
                pass
        except StoreUnavailable:
            _log.warning("the index waits: the database cannot take a write")

    async def checkpoint(self) -> None:
        """Keep little in the database's log that is not in the file, so that the writer never has much to move when it
        begins the log anew: under load several times a second."""
        try:
            for _ in range(_CHECKPOINTS):
                if await self._desk.database.checkpoint() < _LONG_LOG:
                    break
                await asyncio.sleep(1 / (2 * _CHECKPOINTS))
        except StoreUnavailable:
            _log.warning("the log stays long: the database cannot take a write")

    async def measure(self) -> None:
        """Refresh the gauges."""
        now = self._desk.clock.now()
        counts = await self._desk.database.read(lambda connection: queries.stats(connection, now - timedelta(days=1)))
        rated = await self._desk.database.read(lambda connection: ratings.summary(connection, now))
        self._metrics.set_ratings(rated["teams"])
        by_priority = counts["tickets"]["open_by_priority"]
        for priority in ("low", "medium", "high", "critical"):
            self._metrics.tickets_open.labels(priority).set(by_priority.get(priority, 0))
        self._metrics.notices_waiting.set(counts["notices_waiting"])
        self._metrics.dead_letters.set(counts["dead_letters"])

    async def tidy(self) -> None:
        """Delete what has had its time: keys of things seen once, raw deliveries that were understood."""
        try:
            await self._desk.seen.forget_expired()
            keep = timedelta(seconds=self._desk.settings.intake.keep_raw)
            await housekeeping.prune_journal(self._desk.database, self._desk.clock.now() - keep)
        except StoreUnavailable:
            _log.warning("tidying waits: the database cannot take a write")
