"""``deskbell demo``: everything in one process, in a scratch folder, for whoever opens the address that it prints."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.demo.bridge import Bridge
from bot.demo.installation import LOOPBACK, Installation, listen
from bot.logs import set_up_logging
from bot.process import FAILED, OK, run_async, stop_signal

_NEIGHBOURS = 20  # further ports that are tried


def run_demo(port: int) -> int:
    """Serve the demo on ``port`` (0: any) until SIGINT or SIGTERM; the exit status."""
    set_up_logging("text", logging.WARNING)
    # Everything is on this machine; a proxy would not find it.
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = LOOPBACK
    try:
        listener = _free(port)
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {port}: {error.strerror}\n")
        return FAILED
    return run_async(_demo(listener, port))


@asynccontextmanager
async def demo(listener: socket.socket, pace: float = 1.0) -> AsyncIterator[tuple[Installation, Bridge]]:
    """The demo, running. ``pace`` below 1.0 makes everything go faster."""
    with tempfile.TemporaryDirectory(prefix="deskbell-demo-") as folder:
        place = Installation(Path(folder), listener, pace)
        await place.prepare()
        bridge = Bridge(place)
        bridge.add_routes(place.service.web)
        await place.start()
        following = asyncio.create_task(bridge.log.follow(), name="story")
        try:
            yield place, bridge
        finally:
            await bridge.director.stop()
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            await place.stop()


async def _demo(listener: socket.socket, wanted: int) -> int:
    stopped = stop_signal()
    async with demo(listener) as (place, _):
        if wanted and listener.getsockname()[1] != wanted:
            _say(f"Port {wanted} is taken, so this is another one.")
        _say(f"Deskbell demo: {place.url}/demo\nCtrl-C ends it and leaves nothing behind.")
        await stopped.wait()
        _say("\nStopping.")
    return OK


def _free(port: int) -> socket.socket:
    """A socket on the port, or on the next free one. Raises OSError."""
    for candidate in range(port, min(port + _NEIGHBOURS, 65_535) + 1):
        try:
            return listen(candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"taken, and so are the next {_NEIGHBOURS}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
