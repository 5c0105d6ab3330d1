"""Intervals and ranks against textbook values, against scipy, and against their definitions."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.metrics import statistics

QUANTILES: tuple[statistics.Quantile, ...] = ("median", "p90")
LARGE = (5_000, 12_345, 99_999, 100_000, 250_001, 1_000_000, 1_234_567, 2_000_000)


def bracketed(n: int) -> set[int]:
    """The ranks that lead_time_ranks.sql and recovery_time_ranks.sql return for n values, as their WHERE says."""
    root = math.sqrt(n)
    ranks = {(n + 1) // 2, (n + 2) // 2, (9 * n + 9) // 10}
    for centre in (
        math.floor(0.5 * n - 0.98 * root),
        math.floor(0.5 * n + 0.98 * root) + 1,
        math.floor(0.9 * n - 0.588 * root),
        math.floor(0.9 * n + 0.588 * root) + 1,
    ):
        ranks |= set(range(centre - 2, centre + 3))
    return {rank for rank in ranks if 1 <= rank <= n}


@pytest.mark.parametrize("sizes", [range(1, 3001), LARGE], ids=["to 3000", "large"])
def test_sql_returns_every_rank_that_is_needed(sizes: range | tuple[int, ...]) -> None:
    for n in sizes:
        found = bracketed(n)
        for which in QUANTILES:
            ends = {rank for rank in statistics.interval_ranks(n, which) if rank is not None}
            needed = {*statistics.value_ranks(n, which), *ends}
            assert needed <= found, f"n = {n}, {which}: {sorted(needed - found)} is missing"


@pytest.mark.parametrize("n", [*range(1, 40), 100, 365])
def test_interval_ranks_are_the_exact_binomial_ones(n: int) -> None:
    """By the definition, with exact fractions: the tightest ranks that leave at most 2.5 % on each side."""
    for which, p in (("median", Fraction(1, 2)), ("p90", Fraction(9, 10))):
        mass = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
        tail = Fraction(25, 1000)
        below = [Fraction(0), *accumulate(mass)]  # below[rank]: fewer than rank values lie under the quantile
        lows = [rank for rank in range(1, n + 1) if below[rank] <= tail]
        highs = [rank for rank in range(1, n + 1) if 1 - below[rank] <= tail]
        expected = (max(lows, default=None), min(highs, default=None))
        assert statistics.interval_ranks(n, which) == expected


def test_interval_ranks_of_known_tables() -> None:
    """Sign-test tables: n = 10 -> 2nd and 9th, n = 20 -> 6th and 15th; five values have no interval, six have."""
    assert statistics.interval_ranks(10, "median") == (2, 9)
    assert statistics.interval_ranks(20, "median") == (6, 15)
    assert statistics.interval_ranks(5, "median") == (None, None)
    assert statistics.interval_ranks(6, "median") == (1, 6)


@pytest.mark.parametrize(
    ("n", "median", "p90"),
    [
        (1, (1, 1), 1),
        (2, (1, 2), 2),
        (3, (2, 2), 3),
        (9, (5, 5), 9),
        (10, (5, 6), 9),
        (11, (6, 6), 10),
        (20, (10, 11), 18),
    ],
)
def test_value_ranks(n: int, median: tuple[int, int], p90: int) -> None:
    assert statistics.value_ranks(n, "median") == median
    assert statistics.value_ranks(n, "p90") == (p90, p90)


@given(st.integers(1, 10_000))
def test_p90_is_the_first_row_with_ten_ranks_at_least_nine_n(n: int) -> None:
    rank, _ = statistics.value_ranks(n, "p90")
    assert 10 * rank >= 9 * n > 10 * (rank - 1)


def test_wilson_of_a_known_example() -> None:
    """10 of 100, worked out by hand: centre (0.1 + 0.0192073) / 1.0384146, half 1.959964 * 0.03155 / 1.0384146."""
    found = statistics.rate(10, 100)
    assert found.value == 0.1
    assert found.low == pytest.approx(0.0552, abs=5e-5)
    assert found.high == pytest.approx(0.1744, abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(counts: tuple[int, int]) -> None:
    k, n = counts
    expected = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
    found = statistics.rate(k, n)
    assert found.low == pytest.approx(expected.low, abs=1e-12)
    assert found.high == pytest.approx(expected.high, abs=1e-12)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= k / n <= found.high <= 1


def test_poisson_of_a_known_table() -> None:
    """Tables of the exact interval: 0 -> (0, 3.689), 10 -> (4.795, 18.390); 28 days are four weeks."""
    none = statistics.events_per_week(0, 28)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(3.6889 / 4, abs=1e-4)
    ten = statistics.events_per_week(10, 28)
    assert ten.value == 2.5
    assert ten.low == pytest.approx(4.7954 / 4, abs=1e-4)
    assert ten.high == pytest.approx(18.3904 / 4, abs=1e-4)


@given(st.integers(0, 5000), st.floats(0.5, 4000))
def test_poisson_holds_its_tails(n: int, days: float) -> None:
    found = statistics.events_per_week(n, days)
    assert found.low is not None
    assert found.high is not None
    weeks = days / 7
    assert stats.poisson.cdf(n, found.high * weeks) == pytest.approx(0.025, rel=1e-6)
    if n:
        assert stats.poisson.sf(n - 1, found.low * weeks) == pytest.approx(0.025, rel=1e-6)


def test_once_in_thirty_days_is_exactly_the_bound_of_once_a_month() -> None:
    for months in range(1, 40):
        assert statistics.events_per_week(months, 30 * months).value == 7 / 30


def test_no_observations_have_no_value() -> None:
    assert statistics.rate(0, 0).value is None
    assert statistics.events_per_week(3, 0).value is None
    assert statistics.mean(0, 0).value is None
    for which in QUANTILES:
        assert statistics.quantile({}, 0, which).value is None


def test_quantile_reads_hundredths_of_a_second() -> None:
    found = statistics.quantile({1: 1, 2: 2}, 2, "median")
    assert (found.value, found.n, found.low, found.high) == (0.015, 2, None, None)


def test_mean_is_the_nearest_float() -> None:
    assert statistics.mean(100, 3).value == 1 / 3


def test_normal_quantile_is_scipys() -> None:
    from scipy.special import ndtri

    assert float(ndtri(0.975)) == statistics._Z
