"""Promises of the correlation: who is put together, who is not, and that it says why."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.correlation.cause import diagnose
from core.correlation.cooccurrence import CoOccurrence
from core.correlation.correlator import Correlator, grouping
from core.correlation.evidence import JOIN_FACTORS, PAIR_FACTORS
from core.correlation.signal import Signal, signal_of
from core.correlation.topology import System, Topology
from core.correlation.weights import shipped
from core.model import Alert, AlertStatus, Severity

SHOP = Topology(
    (
        System("web", needs=("orders",), hosts=("h1",), owner="shop"),
        System("orders", needs=("db",), hosts=("h2",), owner="shop"),
        System("db", hosts=("h3",), owner="data"),
        System("search", hosts=("h4",), owner="data"),
        System("h1", needs=("rack-a",)),
        System("h2", needs=("rack-a",)),
        System("h3", needs=("rack-b",)),
        System("h4", needs=("rack-c",)),
    )
)


def heard(id: str, at: float, thing: str, kind: str = "latencyhigh", **more: object) -> Signal:
    given = Signal(id, at, kind, thing, f"{thing}/{kind}", severity=2, words=frozenset({"upstream", "timeouts"}))
    return replace(given, **more)


def placed(correlator: Correlator, *signals: Signal) -> dict[str, str]:
    last = grouping([(signal.id, correlator.place(signal)) for signal in signals])
    return {signal.id: last(signal.id) for signal in signals}


def outage(start: float, prefix: str = "") -> list[Signal]:
    return [
        heard(f"{prefix}db", start, "db", "queryslow", severity=3),
        heard(f"{prefix}orders", start + 12, "orders"),
        heard(f"{prefix}web", start + 20, "web"),
        heard(f"{prefix}orders-errors", start + 25, "orders", "errorratehigh"),
        heard(f"{prefix}web-errors", start + 30, "web", "errorratehigh"),
    ]


def test_what_spreads_along_the_catalogue_is_one_group() -> None:
    assert len(set(placed(Correlator(SHOP), *outage(0.0)).values())) == 1


def test_what_has_nothing_in_common_stays_apart() -> None:
    certificate = heard("cert", 15.0, "search", "certexpiressoon", severity=0, families=frozenset({"housekeeping"}))
    groups = placed(Correlator(SHOP), *sorted([*outage(0.0), certificate], key=lambda s: s.at))
    assert groups["cert"] not in {groups[id] for id in groups if id != "cert"}


def test_alerts_further_apart_than_the_window_are_never_put_together() -> None:
    groups = placed(Correlator(SHOP, window=600.0), *outage(0.0, "a-"), *outage(700.0, "b-"))
    assert {groups[id] for id in groups if id[0] == "a"}.isdisjoint(groups[id] for id in groups if id[0] == "b")


def test_a_higher_threshold_puts_less_together() -> None:
    groups = [len(set(placed(Correlator(SHOP, threshold=t), *outage(0.0)).values())) for t in (0.5, 0.8, 0.999999)]
    assert groups == sorted(groups)
    assert groups[-1] == 5


def test_a_placement_says_why_in_numbers() -> None:
    correlator = Correlator(SHOP)
    *_, last = [correlator.place(signal) for signal in outage(0.0)]
    assert last.joined
    assert last.confidence >= 0.8
    assert {name for name, _, _ in last.factors} <= set(JOIN_FACTORS)
    assert {name for name, _, _ in last.links[0].factors} <= set(PAIR_FACTORS)
    assert [link.confidence for link in last.links] == sorted((link.confidence for link in last.links), reverse=True)


def test_the_shipped_weights_know_every_factor() -> None:
    weights = shipped()
    assert set(weights.mapped.weights) == set(weights.unmapped.weights) == set(PAIR_FACTORS)
    assert set(weights.join_mapped.weights) == set(weights.join_unmapped.weights) == set(JOIN_FACTORS)


def test_a_burst_ends_with_a_pause_that_is_long_for_it() -> None:
    scan = [heard(f"a{i}", i * 0.01, "intranet", f"scan-{i % 4}", host="intranet") for i in range(600)]
    later = [heard(f"b{i}", 40.0 + i * 0.01, "intranet", f"probe-{i % 4}", host="intranet") for i in range(100)]
    groups = placed(Correlator(), *scan, *later)
    assert groups["a100"] == groups["a500"]
    assert {groups[s.id] for s in scan}.isdisjoint(groups[s.id] for s in later)


_things = st.sampled_from(["web", "orders", "db", "search", "h1", "h2", "nobody-knows"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 90), _things, st.sampled_from("xyz")), max_size=40), st.booleans())
def test_every_alert_has_one_group_and_names_never_dangle(steps: list[tuple[float, str, str]], mapped: bool) -> None:
    at, signals = 0.0, []
    for number, (gap, thing, kind) in enumerate(steps):
        at += gap
        signals.append(heard(str(number), at, thing, kind))
    groups = placed(Correlator(SHOP if mapped else None), *signals)
    assert set(groups) == {signal.id for signal in signals}
    assert set(groups.values()) <= set(groups)
    assert all(0 <= int(name) <= int(id) or groups[name] == name for id, name in groups.items())


def test_what_has_left_the_window_is_forgotten() -> None:
    correlator = Correlator(SHOP)
    first, *others = outage(0.0)
    placed(correlator, first, *others)
    correlator.place(heard("later", 10_000.0, "search"))
    assert correlator.group(first.id) is None
    assert correlator.group("later") is not None


def test_the_cost_of_an_alert_does_not_grow_with_what_is_open() -> None:
    def spent(count: int) -> float:
        correlator = Correlator()
        signals = [heard(str(i), i * 500 / count, f"t{i % 97}", f"k{i % 11}") for i in range(count)]
        for signal in signals[:-100]:
            correlator.place(signal)
        before = time.process_time()
        for signal in signals[-100:]:
            correlator.place(signal)
        return time.process_time() - before

    assert spent(1600) < 4 * spent(400)


def test_the_kind_of_an_alert_is_the_same_wherever_it_strikes() -> None:
    def kind(host: str) -> str:
        text = f"Disk at 93% on {host}: nearly full"
        now = datetime(2026, 3, 2, tzinfo=UTC)
        alert = Alert("f", "zabbix", AlertStatus.FIRING, Severity.WARNING, text, now, host=host)
        return signal_of(alert, "1", 0.0).kind

    assert kind("web-01") == kind("db-17")


def test_the_catalogue_gives_distance_direction_and_shared_ground() -> None:
    assert SHOP.relation("web", "db").down == 2
    assert SHOP.relation("db", "web").up == 2
    assert (SHOP.relation("h1", "h2").shared, SHOP.relation("h1", "h2").shared_hops) == ("rack-a", 2)
    assert SHOP.path("web", "db") == ("web", "orders", "db")
    assert SHOP.path("db", "web") == ()
    assert not SHOP.relation("search", "nobody-knows").down


def test_a_catalogue_with_a_circle_is_read_all_the_same() -> None:
    circle = Topology((System("a", needs=("b",)), System("b", needs=("a",))))
    assert circle.relation("a", "b").down == 1
    assert circle.path("a", "c") == ()


def test_kinds_that_come_together_are_learned_and_forgotten() -> None:
    kinds = CoOccurrence(half_life=100.0)
    for at in range(0, 1000, 10):
        kinds.saw("cause", float(at))
        kinds.saw("effect", at + 2.0)
        kinds.followed("cause", "effect", 2.0, at + 2.0)
        kinds.saw("other", at + 3.0)
        kinds.followed("other", "noise", 1.0, at + 3.0)
    assert kinds.lift("cause", "effect") > 1.0 > kinds.lift("effect", "cause")
    assert kinds.usual_lag("cause", "effect") == pytest.approx(2.0)
    before = kinds.together("cause", "effect")
    kinds.saw("other", 100_000.0)
    assert kinds.together("cause", "effect") < before / 10


def test_the_cause_is_what_the_others_need_with_the_way_there() -> None:
    found = diagnose(outage(0.0), SHOP)
    best = found.hypotheses[0]
    assert (best.thing, best.explains, best.of) == ("db", 5, 5)
    assert best.path == ("web", "orders", "db")
    assert not found.close
    assert best.reasons[0][0] == "explains"


def test_a_rack_that_cannot_speak_is_suspected_through_its_hosts() -> None:
    hosts = [heard("1", 0.0, "h1", "hostdown"), heard("2", 3.0, "h2", "hostdown")]
    assert "rack-a" in [hypothesis.thing for hypothesis in diagnose(hosts, SHOP).hypotheses]


def test_a_change_just_before_speaks_for_a_cause_and_one_after_does_not() -> None:
    signals = [heard("1", 5000.0, "orders"), heard("2", 5001.0, "search")]
    assert diagnose(signals, SHOP, {"search": 4900.0}).hypotheses[0].thing == "search"
    assert diagnose(signals, SHOP, {"search": 5100.0}).hypotheses[0].thing == "orders"


def test_two_that_are_as_likely_are_told_as_such() -> None:
    assert diagnose([heard("1", 0.0, "orders"), heard("2", 0.0, "search")], SHOP).close
