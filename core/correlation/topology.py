"""Who depends on whom, as the catalogue says it: distances, directions, shared ground and paths.

A service needs its hosts as it needs other services, and a host what the catalogue says of it (its rack, its switch).
Everything is found from short lists of ancestors, each at most ``REACH`` hops away, so that a question about two
things costs the same in a catalogue of ten and of ten thousand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

import msgspec

REACH = 3
_MOST_ANCESTORS = 64


class System(msgspec.Struct, frozen=True):
    """One entry of the catalogue: what it needs, what it runs on, who owns it."""

    name: str
    needs: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    owner: str | None = None


class Relation(msgspec.Struct, frozen=True):
    """How ``a`` stands to ``b``. ``down`` is the number of hops from a to b along "needs" (a is hurt by b), ``up`` the
    reverse, 0 when there is no such way. ``shared`` is the nearest thing that both need, in ``shared_hops`` together,
    and ``fan`` how many things need that one directly."""

    down: int = 0
    up: int = 0
    shared: str | None = None
    shared_hops: int = 0
    fan: int = 0
    same_owner: bool = False


UNRELATED = Relation()


class Topology:
    """A catalogue made ready for questions. Names that it does not know are related to nothing."""

    def __init__(self, systems: Iterable[System] = ()) -> None:
        self._needs: dict[str, tuple[str, ...]] = {}
        self._owner: dict[str, str] = {}
        users: dict[str, dict[str, None]] = {}
        for system in systems:
            needed = dict.fromkeys((*self._needs.get(system.name, ()), *system.needs, *system.hosts))
            self._needs[system.name] = tuple(needed)
            if system.owner:
                self._owner[system.name] = system.owner
            for name in needed:
                users.setdefault(name, {})[system.name] = None
        self._users = {name: tuple(given) for name, given in users.items()}
        self._above: dict[str, Mapping[str, int]] = {}
        self._relations: dict[tuple[str, str], Relation] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._needs or name in self._users

    def __bool__(self) -> bool:
        return bool(self._needs)

    def above(self, name: str) -> Mapping[str, int]:
        """What ``name`` needs, directly or through others, with the number of hops; nearest first, itself excluded."""
        found = self._above.get(name)
        if found is None:
            found = self._above[name] = self._walk(name)
        return found

    def users(self, name: str) -> tuple[str, ...]:
        """What needs ``name`` directly."""
        return self._users.get(name, ())

    def relation(self, a: str, b: str) -> Relation:
        """How a stands to b."""
        found = self._relations.get((a, b))
        if found is None:
            if len(self._relations) > 200_000:
                self._relations.clear()
            found = self._relations[a, b] = self._relate(a, b)
        return found

    def path(self, below: str, above: str) -> tuple[str, ...]:
        """The shortest way from ``below`` to what it needs, both included; empty when there is none."""
        came: dict[str, str] = {below: ""}
        waiting = deque([below])
        while waiting and len(came) < 4096:
            name = waiting.popleft()
            if name == above:
                way = [name]
                while came[way[-1]]:
                    way.append(came[way[-1]])
                return tuple(reversed(way))
            for needed in self._needs.get(name, ()):
                if needed not in came:
                    came[needed] = name
                    waiting.append(needed)
        return ()

    def _walk(self, name: str) -> Mapping[str, int]:
        hops: dict[str, int] = {}
        edge = [name]
        for distance in range(1, REACH + 1):
            following: list[str] = []
            for needed in (n for below in edge for n in self._needs.get(below, ())):
                if needed != name and needed not in hops and len(hops) < _MOST_ANCESTORS:
                    hops[needed] = distance
                    following.append(needed)
            edge = following
        return hops

    def _relate(self, a: str, b: str) -> Relation:
        above_a, above_b = self.above(a), self.above(b)
        common = [(above_a[n] + above_b[n], len(self.users(n)), n) for n in above_a if n in above_b]
        hops, fan, shared = min(common, default=(0, 0, None))
        owner = self._owner.get(a)
        return Relation(
            down=above_a.get(b, 0),
            up=above_b.get(a, 0),
            shared=shared,
            shared_hops=hops,
            fan=fan,
            same_owner=owner is not None and owner == self._owner.get(b),
        )
