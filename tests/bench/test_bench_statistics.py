"""Percentiles, intervals, verdicts, ratios and histograms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, quantile_test

from workbench.bench.statistics import (
    Histogram,
    effective_size,
    estimate,
    least_values,
    paired_ratio,
    percentile,
    slope,
    verdict,
)
from workbench.model import Estimate


def spread(n: int) -> np.ndarray:
    """1 to n in an order in which neighbours are on different sides of most percentiles."""
    values = np.arange(1.0, n + 1)
    return np.ravel(np.column_stack([values[: n // 2], values[n // 2 :][: n // 2]])) if n % 2 == 0 else values[::-1]


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(5, None, None), (6, 1, 6), (10, 2, 9)],  # tails: 1/32 > 2.5 %; 1/64; 11/1024
)
def test_interval_of_the_median_by_hand(n: int, low: float | None, high: float | None) -> None:
    found = estimate(spread(n) if n % 2 == 0 else np.array([3.0, 1, 5, 2, 4]), 0.5)
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(("n", "known"), [(71, False), (72, True)])  # 0.95^71 = 2.62 %, 0.95^72 = 2.49 %
def test_upper_bound_of_p95_needs_72_values(n: int, known: bool) -> None:
    values = np.random.default_rng(5).permutation(np.arange(1.0, n + 1))
    assert effective_size((values > np.quantile(values, 0.95)).astype(float)) == n, "the order was meant to be free"
    assert (estimate(values, 0.95).high is not None) is known


@pytest.mark.parametrize(("share", "least"), [(0.5, 6), (0.95, 72), (0.05, 72), (0.99, 368)])
def test_so_many_values_give_both_ends_of_an_interval(share: float, least: int) -> None:
    assert least_values(share) == least
    for n in (least - 1, least):
        low, high = (float(binom.cdf(0, n, share)), float(binom.cdf(0, n, 1 - share)))
        assert (max(low, high) < 0.025) is (n == least)


def test_interval_agrees_with_scipy_where_values_are_independent() -> None:
    values = spread(200)
    ours, theirs = estimate(values, 0.5), quantile_test(values, p=0.5).confidence_interval(0.95)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)


def test_values_in_a_row_that_resemble_each_other_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    steps = rng.normal(size=400)
    alike = np.array([steps[0]] * 400)
    for index in range(1, 400):
        alike[index] = 0.9 * alike[index - 1] + steps[index]
    assert effective_size(alike) < 100
    found, shuffled = estimate(alike, 0.5), estimate(rng.permutation(alike), 0.5)
    assert found.high - found.low > 1.5 * (shuffled.high - shuffled.low)  # type: ignore[operator]


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_interval_holds_the_true_percentile_as_often_as_it_says(share: float) -> None:
    rng = np.random.default_rng(2)
    truth = float(np.exp(0.3 * {0.5: 0.0, 0.95: 1.6448536}[share]))
    held = 0
    for _ in range(300):
        found = estimate(np.exp(rng.normal(0, 0.3, 150)), share)
        held += (found.low or 0) <= truth <= (found.high or np.inf)
    assert held >= 300 * 0.92, "a 95 % interval misses more than its 5 %, beyond chance"


def test_no_values_are_no_estimate() -> None:
    assert estimate(np.array([]), 0.5) == Estimate(None, 0)


@pytest.mark.parametrize(
    ("low", "high", "at_least", "said"),
    [
        (1.0, 1.9, False, "met"), (2.1, 3.0, False, "missed"), (1.0, 3.0, False, "undecided"),
        (1.0, 2.0, False, "undecided"), (None, None, False, "undecided"),
        (2.1, None, False, "missed"), (1.0, None, False, "undecided"),
        (2.1, 3.0, True, "met"), (1.0, 1.9, True, "missed"), (1.0, 3.0, True, "undecided"),
    ],
)  # fmt: skip
def test_a_target_is_met_only_by_the_whole_interval(
    low: float | None, high: float | None, at_least: bool, said: str
) -> None:
    assert verdict(Estimate(1.5, 9, low, high), 2.0, at_least=at_least) == said


def test_ratio_of_neighbours_cancels_what_befell_both() -> None:
    weather = np.exp(np.random.default_rng(3).normal(0, 1, 40))
    ours, theirs = {n: 3 * w for n, w in enumerate(weather)}, {n: 2 * w for n, w in enumerate(weather)}
    found = paired_ratio(ours, theirs | {99: 1.0})
    assert found.value == pytest.approx(1.5)
    assert found.n == 40
    assert found.low == found.high == pytest.approx(1.5)


@given(st.lists(st.lists(st.floats(1e-7, 1e3), min_size=1), min_size=1, max_size=4))
def test_histograms_of_runs_add_up_to_that_of_all_values(parts: list[list[float]]) -> None:
    merged = Histogram.merged(Histogram.of(np.array(part)) for part in parts)
    everything = np.concatenate([np.array(part) for part in parts])
    assert merged == Histogram.of(everything)
    exact = percentile(everything, 0.95)
    assert exact * 0.999 <= (merged.percentile(0.95) or 0) <= exact * 1.011


def test_empty_histogram_has_no_percentile() -> None:
    assert Histogram({}).percentile(0.5) is None


def test_slope_finds_the_exponent() -> None:
    found = slope([1e4, 1e5, 1e6, 1e7], [0.002 * (n / 1e4) ** 0.5 for n in (1e4, 1e5, 1e6, 1e7)])
    assert found.value == pytest.approx(0.5)
    assert slope([1e4, 1e5], [1, 2]).value is None, "two points make a line, and no interval"
