"""How fast tokens may be guessed: a few wrong ones at once from one address, then one every ten seconds."""

from __future__ import annotations

from collections import OrderedDict

from core.outbox.limits import Bucket, Limit

_OF_ONE_ADDRESS = Limit(0.1, 5)
_OF_ALL = Limit(1.0, 30)
_REMEMBERED = 1000


class Attempts:
    """Counts wrong tokens by address. Times are seconds of a clock that does not go back."""

    def __init__(self, now: float) -> None:
        self._all = Bucket(_OF_ALL, now)
        self._by_address: OrderedDict[str, Bucket] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Seconds until this address may try again; 0.0 for at once."""
        own = self._by_address.get(address)
        return max(self._all.wait(now), own.wait(now) if own else 0.0)

    def failed(self, address: str, now: float) -> None:
        own = self._by_address.get(address)
        if own is None:
            own = self._by_address[address] = Bucket(_OF_ONE_ADDRESS, now)
        self._by_address.move_to_end(address)
        own.take(now)
        self._all.take(now)
        if len(self._by_address) > _REMEMBERED:
            self._by_address.popitem(last=False)
