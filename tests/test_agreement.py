"""The measures that the correlation is judged by, against small cases worked out by hand or published."""

from __future__ import annotations

import pytest

from tests.bench.agreement import (
    adjusted_mutual_information,
    adjusted_rand,
    average_precision,
    calibration_error,
    compression,
    over_merged,
    pairs,
    reliability,
    roc_area,
)

TRUTH, FOUND = [0, 0, 1, 1], [0, 0, 1, 2]


def test_the_same_grouping_under_other_names_agrees_fully() -> None:
    assert adjusted_rand("aabbc", "zzyyx") == pytest.approx(1.0)
    assert adjusted_mutual_information("aabbc", "zzyyx") == pytest.approx(1.0)


def test_published_values_of_the_adjusted_measures() -> None:
    assert adjusted_rand(TRUTH, FOUND) == pytest.approx(0.571428, abs=1e-5)
    assert adjusted_mutual_information(TRUTH, FOUND) == pytest.approx(0.571428, abs=1e-5)
    assert adjusted_rand([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)


def test_one_group_of_all_agrees_no_better_than_chance() -> None:
    assert adjusted_rand([0, 0, 1, 1], [0, 0, 0, 0]) == pytest.approx(0.0)
    assert adjusted_mutual_information([0, 0, 1, 1], [0, 0, 0, 0]) == pytest.approx(0.0, abs=1e-9)


def test_pairs_are_counted_once() -> None:
    counted = pairs(TRUTH, FOUND)
    assert counted == (1, 2, 1, 6)
    assert (counted.precision, counted.recall) == (1.0, 0.5)
    assert counted.f1 == pytest.approx(2 / 3)


def test_a_group_with_two_causes_is_over_merged() -> None:
    assert over_merged("aabbc", "11222") == 0.5
    assert compression("11222") == pytest.approx(0.6)


def test_rankings() -> None:
    truth, scores = [False, False, True, True], [0.1, 0.4, 0.35, 0.8]
    assert roc_area(truth, scores) == pytest.approx(0.75)
    assert average_precision(truth, scores) == pytest.approx(0.8333, abs=1e-4)
    assert roc_area(truth, [1.0] * 4) == pytest.approx(0.5)


def test_calibration_is_the_distance_of_said_from_so() -> None:
    table = reliability([(0.85, True)] * 8 + [(0.85, False)] * 2 + [(0.15, False)] * 10)
    assert [(step.low, step.cases, step.true) for step in table] == [(0.1, 10, 0.0), (0.8, 10, 0.8)]
    assert calibration_error(table) == pytest.approx((0.05 + 0.15) / 2)
