"""From times to numbers: percentiles with intervals, verdicts, paired ratios, histograms that can be added."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.model import Estimate

Verdict = Literal["met", "missed", "undecided", "not known"]
Values = NDArray[np.float64]

CONFIDENCE: Final = 0.95
MEDIAN: Final = 0.5
FINENESS: Final = 0.01
"""Width of a histogram's bin, as a share of its place."""


def percentile(values: Values, share: float) -> float:
    """The median (mean of the middle two), or the nearest-rank percentile."""
    return float(np.median(values) if share == MEDIAN else np.quantile(values, share, method="inverted_cdf"))


def estimate(values: Values, share: float, confidence: float = CONFIDENCE) -> Estimate:
    """A percentile with its order-statistic interval; a bound is None where so few values cannot give one.

    The ranks are binomial, so nothing is assumed about how times are spread. Neighbouring times resemble each other,
    which would make the interval too narrow: the ranks are those of the effective number of values.
    """
    n = len(values)
    if not n:
        return Estimate(None, 0)
    ordered, value = np.sort(values), percentile(values, share)
    low, high = _ranks(effective_size((values > value).astype(float)), n, share, confidence)
    return Estimate(value, n, *(None if rank is None else float(ordered[rank - 1]) for rank in (low, high)))


def _ranks(effective: float, n: int, share: float, confidence: float) -> tuple[int | None, int | None]:
    """Ranks (from 1) in ``n`` values, computed for ``effective`` independent ones; each tail is half of the rest."""
    from scipy.stats import binom

    size, tail = max(1, math.floor(effective)), (1 - confidence) / 2
    low, high = int(binom.ppf(tail, size, share)), int(binom.ppf(1 - tail, size, share)) + 1
    scale = n / size
    return (
        max(1, math.floor(low * scale)) if low > 0 else None,
        min(n, math.ceil(high * scale)) if high <= size else None,
    )


def least_values(share: float, confidence: float = CONFIDENCE) -> int:
    """How many independent values give a percentile both ends of its interval: 6 the median, 72 the 95th."""
    return math.ceil(math.log((1 - confidence) / 2) / math.log(max(share, 1 - share)))


def effective_size(values: Values) -> float:
    """How many independent values these are worth.

    The autocorrelations are summed up to the first that chance explains (below 1.96 / √n, Bartlett 1946).
    """
    n = len(values)
    spread = values - values.mean() if n else values
    variance = float(spread @ spread)
    if n < 4 or variance == 0:
        return float(n)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(spread, size)
    correlation = np.fft.irfft(spectrum * spectrum.conj(), size)[1 : n // 2] / variance
    ends = np.flatnonzero(correlation <= 1.96 / math.sqrt(n))
    return n / (1 + 2 * float(correlation[: ends[0] if len(ends) else None].sum()))


def verdict(found: Estimate, limit: float, *, at_least: bool = False) -> Verdict:
    """Met only if the whole interval is on the good side of the limit, missed only if it is on the other."""
    under, over = found.high is not None and found.high < limit, found.low is not None and found.low > limit
    if at_least:
        under, over = over, under
    return "met" if under else "missed" if over else "undecided"


def rounds(values: Values, slots: NDArray[np.int64]) -> dict[int, float]:
    """The median of each round, by the number of the round."""
    order = np.argsort(slots, kind="stable")
    numbers, starts = np.unique(slots[order], return_index=True)
    parts = np.split(values[order], starts[1:])
    return {int(number): float(np.median(part)) for number, part in zip(numbers, parts, strict=True)}


def paired_ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Estimate:
    """The median of ours / theirs over the rounds in which both ran, next to each other, with its interval."""
    common = sorted(ours.keys() & theirs.keys())
    return estimate(np.array([ours[number] / theirs[number] for number in common]), MEDIAN)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bins of equal ratio (1 %); those of several runs can be added."""

    counts: Mapping[int, int]

    @classmethod
    def of(cls, values: Values) -> Histogram:
        """The histogram of positive values."""
        bins, counts = np.unique(np.floor(np.log(values) / math.log1p(FINENESS)).astype(int), return_counts=True)
        return cls(dict(zip(bins.tolist(), counts.tolist(), strict=True)))

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """All of them as one."""
        total: dict[int, int] = {}
        for part in parts:
            for number, count in part.counts.items():
                total[number] = total.get(number, 0) + count
        return cls(dict(sorted(total.items())))

    @property
    def n(self) -> int:
        """How many values."""
        return sum(self.counts.values())

    def percentile(self, share: float) -> float | None:
        """The upper edge of the bin with the nearest-rank percentile: at most 1 % too high. None without values."""
        wanted, seen = math.ceil(share * self.n), 0
        for number, count in sorted(self.counts.items()):
            seen += count
            if seen >= wanted > 0:
                return float((1 + FINENESS) ** (number + 1))
        return None


def slope(sizes: Sequence[float], values: Sequence[float]) -> Estimate:
    """The exponent of value = a · size^b by least squares on logarithms, with its interval; None below three sizes."""
    if len(sizes) < 3:
        return Estimate(None, len(sizes))
    from scipy.stats import linregress, t

    fit = linregress(np.log(sizes), np.log(values))
    half = float(t.ppf(1 - (1 - CONFIDENCE) / 2, len(sizes) - 2) * fit.stderr)
    return Estimate(float(fit.slope), len(sizes), float(fit.slope) - half, float(fit.slope) + half)
