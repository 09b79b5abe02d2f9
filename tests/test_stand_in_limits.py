"""The limits of the stand-ins, whatever the pace: never more than the rule allows, and an honest time to wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.demo.faults import Bucket, Windows

PACES = st.lists(st.floats(0, 1.5), min_size=1, max_size=60)
RULES = ((3, 1.0), (5, 4.0))


@given(PACES)
def test_no_window_ever_holds_more_than_its_rule_allows(pace: list[float]) -> None:
    windows, now, admitted = Windows(RULES), 1000.0, list[float]()
    for gap in pace:
        now += gap
        if not windows.admit("a", now):
            admitted.append(now)
    for count, seconds in RULES:
        for at in admitted:
            assert sum(1 for other in admitted if at - seconds < other <= at) <= count


@given(PACES)
def test_whoever_waits_as_long_as_told_is_admitted(pace: list[float]) -> None:
    for limit in (Windows(RULES), Bucket(1.0, 3)):
        now = 1000.0
        for gap in pace:
            now += gap
            wait = limit.admit("a", now)
            if wait:
                now += wait + 1e-6
                assert limit.admit("a", now) == 0.0


@given(PACES)
def test_a_bucket_never_gives_more_than_its_burst_and_its_rate(pace: list[float]) -> None:
    bucket, now, admitted = Bucket(1.0, 3), 1000.0, 0
    for gap in pace:
        now += gap
        admitted += not bucket.admit("a", now)
    assert admitted <= 3 + (now - 1000.0) + 1e-6


def test_one_key_does_not_wait_for_another() -> None:
    windows = Windows([(1, 10.0)])
    assert [windows.admit(key, 5.0) for key in ("a", "b", "a")] == [0.0, 0.0, 10.0]
