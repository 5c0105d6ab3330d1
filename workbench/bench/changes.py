"""Change points in a longer history: the run from which on a case was slower or faster.

The split of a series of run medians with the largest standardised rank difference (Pettitt 1979) is a change point if
permuted series (fixed seed) reach such a difference in at most 1 % of cases; both sides are searched on. Libraries
made for this were looked at: apache-otava 0.8 pins numpy 2.2 and scipy below 1.17, and brings clients of BigQuery,
Slack and PostgreSQL along, so it cannot live beside the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.bench.compare import MARGIN
from workbench.bench.statistics import Values

FALSE_ALARMS: Final = 0.01
LEAST: Final = 8
"""Fewer runs than this have no change point."""
_SIDE: Final = 3
_PERMUTED: Final = 999


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """From run number ``index`` (counted from 0) on, the median was ``ratio`` times what it was."""

    index: int
    ratio: float
    chance: float


def change_points(medians: Sequence[float], paces: Sequence[float]) -> list[ChangePoint]:
    """The change points of one case over runs of one machine, in their order.

    Args:
        medians: seconds, a run each, the oldest first.
        paces: the fixed work of the same runs, which takes the machine's own speed out.
    """
    values = np.log(np.array(medians) / np.array(paces))
    return _search(values, 0)


def _search(values: Values, offset: int) -> list[ChangePoint]:
    if len(values) < LEAST:
        return []
    from scipy.stats import rankdata

    ranks = rankdata(values)
    split, largest = _best_split(ranks[None, :])
    permuted = np.random.default_rng(1).permuted(np.tile(ranks, (_PERMUTED, 1)), axis=1)
    chance = (1 + int((_best_split(permuted)[1] >= largest[0]).sum())) / (1 + _PERMUTED)
    at = int(split[0])
    ratio = math.exp(float(np.median(values[at:]) - np.median(values[:at])))
    if chance > FALSE_ALARMS or abs(math.log(ratio)) <= math.log1p(MARGIN):
        return []
    return [*_search(values[:at], offset), ChangePoint(offset + at, ratio, chance), *_search(values[at:], offset + at)]


def _best_split(ranks: Values) -> tuple[NDArray[np.int64], Values]:
    """Of each row of ranks: where to cut it so that both sides differ most, and by how many standard deviations."""
    n = ranks.shape[1]
    left = np.arange(_SIDE, n - _SIDE + 1)
    sums = np.cumsum(ranks, axis=1)[:, left - 1]
    deviation = np.sqrt(left * (n - left) * (n + 1) / 12)
    distance = np.abs(sums - left * (n + 1) / 2) / deviation
    best = distance.argmax(axis=1)
    return left[best], np.take_along_axis(distance, best[:, None], axis=1)[:, 0]
