"""The 95 % intervals and quantile ranks of the figures. Values come from SQL; here are counts, ranks and divisions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from workbench.model import Estimate

CONFIDENCE: Final = 0.95
_TAIL: Final = (1 - CONFIDENCE) / 2
_Z: Final = 1.959963984540054  # the normal quantile of 1 - _TAIL; scipy.special.ndtri gives the same (tested)

Quantile = Literal["median", "p90"]
_PROBABILITY: Final[dict[Quantile, float]] = {"median": 0.5, "p90": 0.9}


def rate(successes: int, n: int) -> Estimate:
    """A share of ``n`` with Wilson's score interval (Wilson 1927); no value for n = 0."""
    if n == 0:
        return Estimate(None, 0)
    share, z2 = successes / n, _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Estimate(share, n, low, high)


def events_per_week(n: int, days: float) -> Estimate:
    """``n`` events in ``days`` covered days, per week, with the exact Poisson interval (Garwood 1936)."""
    if days <= 0:
        return Estimate(None, n)
    from scipy.special import gammaincinv

    low = float(gammaincinv(n, _TAIL)) if n else 0.0
    high = float(gammaincinv(n + 1, 1 - _TAIL))
    # times 7 first: one rounding, so that 1 in 30 days is exactly the bound that levels.toml writes for once a month
    return Estimate(n * 7 / days, n, low * 7 / days, high * 7 / days)


def value_ranks(n: int, quantile: Quantile) -> tuple[int, int]:
    """The two ranks (from 1, equal where it is one) whose mean is the quantile: middle two, or nearest rank of 90 %."""
    if quantile == "median":
        return (n + 1) // 2, (n + 2) // 2
    rank = (9 * n + 9) // 10
    return rank, rank


@lru_cache(maxsize=65_536)
def interval_ranks(n: int, quantile: Quantile) -> tuple[int | None, int | None]:
    """Ranks (from 1) of the order statistics that hold the quantile between them with at least 95 %.

    Exact, from the binomial distribution, each tail at most 2.5 %; None where no rank does.
    """
    from scipy.special import bdtr, bdtrik

    p = _PROBABILITY[quantile]
    # low: the largest rank l with P(X <= l - 1) <= 2.5 %;  high: the smallest rank h with P(X >= h) <= 2.5 %
    low = max(0, math.floor(float(bdtrik(_TAIL, n, p))) if n else 0)
    while low < n and bdtr(low, n, p) <= _TAIL:
        low += 1
    while low > 0 and bdtr(low - 1, n, p) > _TAIL:
        low -= 1
    high = max(1, math.floor(float(bdtrik(1 - _TAIL, n, p)))) if n else 1
    while high <= n and bdtr(high - 1, n, p) < 1 - _TAIL:
        high += 1
    while high > 1 and bdtr(high - 2, n, p) >= 1 - _TAIL:
        high -= 1
    return (low or None), (high if high <= n else None)


def quantile(values: Mapping[int, int], n: int, which: Quantile) -> Estimate:
    """A quantile in seconds, with its order-statistics interval.

    Args:
        values: the hundredths of a second at each rank that SQL returned.
        n: how many values there are in all.
    """
    if n == 0:
        return Estimate(None, 0)
    first, second = value_ranks(n, which)
    low, high = interval_ranks(n, which)
    return Estimate(
        (values[first] + values[second]) / 200,
        n,
        None if low is None else values[low] / 100,
        None if high is None else values[high] / 100,
    )


def mean(total: int, n: int) -> Estimate:
    """The mean of ``n`` durations in seconds, of their sum in hundredths of one.

    It has no interval: durations are too skewed for one that means something.
    """
    return Estimate(total / (100 * n) if n else None, n)
