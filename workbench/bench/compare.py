"""Whether a program became slower between two runs on the same machine.

The unit is the round: its median, also divided by the fixed work that ran in the same round, so that a machine that was
slower as a whole is not taken for a slower program. Rounds in a row are joined into at most 20 blocks, because
neighbours resemble each other, and the logarithms of both runs are compared by Yuen's t-test on trimmed means (scipy).
A case has regressed only if the interval of its ratio lies above 1 + 5 %, with and without that division. The intervals
of all cases together are at a confidence of 99 % (Bonferroni): an unchanged program is flagged in at most one
comparison of 100.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from workbench.bench import machine
from workbench.bench.history import Result, Run
from workbench.bench.statistics import Values

FALSE_ALARMS: Final = 0.01
"""How often at most an unchanged program is flagged in a comparison, over all its cases together."""
MARGIN: Final = 0.05
"""Differences up to this share are no regression, however sure: another process start may cause them."""
_BLOCKS: Final = 20
_LEAST_ROUNDS: Final = 6
_TRIMMED: Final = 0.2

Judgement = Literal["slower", "faster", "same", "undecided", "not judged"]


@dataclass(frozen=True, slots=True)
class Change:
    """One case in two runs. ``ratio`` is new / old with its interval; None where there is too little to say one."""

    case: str
    kind: str
    old_median: float
    new_median: float
    ratio: float | None
    low: float | None
    high: float | None
    judgement: Judgement
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, case by case. ``differences`` of the machines: where there are any, nothing is judged."""

    old: Run
    new: Run
    changes: tuple[Change, ...]
    differences: tuple[str, ...]

    @property
    def regressions(self) -> tuple[Change, ...]:
        """The cases that became slower."""
        return tuple(change for change in self.changes if change.judgement == "slower")


def compare(old: Run, new: Run) -> Comparison:
    """Compare every case that both runs have; those under load are shown, not judged."""
    pairs = [
        (before, after)
        for after in new.results
        if (before := old.result(after.case, after.kind)) is not None and after.kind in ("warm", "cold")
    ]
    judged = [pair for pair in pairs if min(len(one.rounds) for one in pair) >= _LEAST_ROUNDS]
    confidence = 1 - FALSE_ALARMS / max(1, len(judged))
    same = old.key == new.key
    changes = tuple(_change(before, after, confidence, same) for before, after in pairs)
    return Comparison(old, new, changes, () if same else tuple(machine.differences(old.machine, new.machine)))


def _change(old: Result, new: Result, confidence: float, same_machine: bool) -> Change:
    medians = float(np.median(old.values)), float(np.median(new.values))
    few = min(len(old.rounds), len(new.rounds))
    if few < _LEAST_ROUNDS:
        reason = f"{few} rounds are too few" if same_machine else "another machine"
        return Change(
            new.case, new.kind, *medians, None, None, None, "undecided" if same_machine else "not judged", reason
        )
    paced = _ratio(_blocks(old.rounds, old.paces), _blocks(new.rounds, new.paces), confidence)
    raw = _ratio(_blocks(old.rounds), _blocks(new.rounds), confidence)
    ratio, low, high = paced
    if not same_machine:
        return Change(new.case, new.kind, *medians, ratio, low, high, "not judged", "another machine")
    return Change(new.case, new.kind, *medians, ratio, low, high, *_judge(paced, raw))


def _judge(paced: tuple[float, float, float], raw: tuple[float, float, float]) -> tuple[Judgement, str]:
    above, below = 1 + MARGIN, 1 / (1 + MARGIN)
    if min(paced[1], raw[1]) > above:
        return "slower", ""
    if max(paced[2], raw[2]) < below:
        return "faster", ""
    if paced[1] > above or raw[1] > above or paced[2] < below or raw[2] < below:
        return "undecided", "the machine's own speed changed"
    if below <= paced[1] and paced[2] <= above:
        return "same", ""
    return "undecided", "the interval is too wide"


def _blocks(rounds: Mapping[int, float], paces: Mapping[int, float] | None = None) -> Values:
    """Logarithms of the medians of consecutive rounds, each round in units of the fixed work if ``paces`` has it."""
    numbers = sorted(rounds)
    values = np.array([rounds[number] / (paces[number] if paces else 1.0) for number in numbers])
    parts: Sequence[Values] = np.array_split(values, min(_BLOCKS, len(values)))
    return np.log([float(np.median(part)) for part in parts])


def _ratio(old: Values, new: Values, confidence: float) -> tuple[float, float, float]:
    """new / old with its interval."""
    from scipy.stats import ttest_ind

    centre = math.exp(_trimmed(new) - _trimmed(old))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a coarse clock makes rounds equal
        bounds = ttest_ind(new, old, equal_var=False, trim=_TRIMMED).confidence_interval(confidence)
    if math.isnan(bounds.low):
        return centre, centre, centre
    return centre, math.exp(bounds.low), math.exp(bounds.high)


def _trimmed(values: Values) -> float:
    from scipy.stats import trim_mean

    return float(trim_mean(values, _TRIMMED))
