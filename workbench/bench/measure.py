"""Times cases so that drift, neighbours and the garbage collector fall on all of them alike.

The run is cut into rounds; a round is a few calls of each case of one family, one right after the other in random
order, beside a fixed piece of work that shows how fast the machine is just then. The rounds of all families are
shuffled over the whole run. A family ends when its interval is as narrow as asked, or its share of the time is used up;
the cases of it that a target names go on alone, where their percentile would have no interval otherwise.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.bench.cases import Call, Case
from workbench.bench.statistics import MEDIAN, Values, estimate, least_values

Clock = Callable[[], int]
Progress = Callable[[int, int], None]
"""Called with the seconds that have passed, and those planned."""

LEAST_ROUNDS: Final = 3
SETTLED_ROUNDS: Final = 24
"""Comparisons between runs need about so many rounds."""
_JUDGED_ROUNDS: Final = 6
"""A median of fewer has no interval, and a comparison judges nothing."""
_RESERVE: Final = 1.6
"""Neighbouring times resemble each other: an interval needs this many times the values that independent ones do."""
_ON_TOP: Final = 0.5
"""So much of the time one family may take beyond its share, for the sake of its targets."""
_LOOK_EVERY: Final = 4
_LATE: Final = 1.3
"""A run that takes this many times what was planned is cut short."""
_MOST_CALLS: Final = 100
_MOST_ROUNDS: Final = 5_000
NANO: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure. ``precision``: half of the targeted percentile's interval, as a share of its value."""

    seconds: float
    precision: float
    round_seconds: float = 0.03
    load_seconds: float = 2.0
    sustained_seconds: float = 10.0
    seed: int = 1


QUICK: Final = Plan(seconds=15, precision=0.10, load_seconds=1.0, sustained_seconds=4.0)
NORMAL: Final = Plan(seconds=40, precision=0.05)
THOROUGH: Final = Plan(seconds=600, precision=0.02, load_seconds=10.0, sustained_seconds=60.0)


@dataclass(slots=True)
class Sample:
    """The times of one case in the order they were taken: seconds, the round of each, and the machine's pace in each
    round.

    ``server`` has the server's own seconds of each call, where it says them.
    """

    case: Case
    share: float
    items: int = 0
    seconds: list[float] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    pace: dict[int, float] = field(default_factory=dict)
    server: list[float] = field(default_factory=list)

    @property
    def values(self) -> Values:
        """Seconds as an array."""
        return np.array(self.seconds)

    @property
    def slots(self) -> NDArray[np.int64]:
        """The round of each."""
        return np.array(self.rounds, dtype=np.int64)

    def precise(self, precision: float) -> bool:
        """Whether the interval of the targeted percentile is as narrow as asked."""
        found = estimate(self.values, self.share)
        if found.value is None or found.low is None or found.high is None:
            return False
        return (found.high - found.low) / 2 <= precision * found.value


@dataclass(slots=True)
class _Family:
    """Cases that are compared with each other, how many calls of each make a round, and the seconds that those take.

    All of them run in the first ``together`` rounds, those that a target names in all ``rounds``.
    """

    samples: list[Sample]
    calls: list[Call]
    counts: list[int]
    seconds: list[float]
    together: int = 0
    rounds: int = 0
    finished: bool = False

    @property
    def targeted(self) -> list[int]:
        """Which of them have a target on more than the median."""
        return [which for which, sample in enumerate(self.samples) if sample.share != MEDIAN]

    @property
    def done(self) -> int:
        """Rounds so far."""
        return max(len(sample.pace) for sample in self.samples)

    @property
    def members(self) -> list[int]:
        """Which of them run in the next round."""
        return list(range(len(self.samples))) if self.done < self.together else self.targeted

    def share_out(self, share: float, most: float) -> float:
        """Fill a share of the time with rounds, and at most ``most`` beyond it for targets; the seconds of both."""
        whole, alone = sum(self.seconds), sum(self.seconds[which] for which in self.targeted)
        self.together = self.rounds = int(np.clip(share / whole, LEAST_ROUNDS, _MOST_ROUNDS))
        for needed in (self._enough(), _JUDGED_ROUNDS):
            extra = max(0, needed - self.together)
            if self.targeted and extra * alone <= most:
                self.rounds = self.together + extra
                break
        return self.together * whole + (self.rounds - self.together) * alone

    def _enough(self) -> int:
        """Rounds after which every targeted percentile has an interval."""
        needed = [_RESERVE * least_values(self.samples[one].share) / self.counts[one] for one in self.targeted]
        return math.ceil(max(needed, default=0))

    def look(self, plan: Plan) -> None:
        """Find out, now and then, whether this family has what was asked of it."""
        if self.done >= self.rounds:
            self.finished = True
        elif self.done >= SETTLED_ROUNDS and self.done % _LOOK_EVERY == 0:
            self.finished = all(self.samples[which].precise(plan.precision) for which in self.members)


def measure(
    cases: Sequence[tuple[Case, Call, float]],
    plan: Plan,
    *,
    pace: Callable[[], object],
    clock: Clock = time.perf_counter_ns,
    progress: Progress | None = None,
) -> list[Sample]:
    """Time the cases together.

    Args:
        cases: each with its call and the percentile that matters for it.
        pace: the fixed work that tells how fast the machine is.
        clock: nanoseconds; a test brings its own.
    """
    gc.freeze()  # what is there stays there: the collections between rounds look at nothing else
    try:
        return _measure(cases, plan, pace, clock, progress)
    finally:
        gc.unfreeze()


def _measure(
    cases: Sequence[tuple[Case, Call, float]],
    plan: Plan,
    pace: Callable[[], object],
    clock: Clock,
    progress: Progress | None,
) -> list[Sample]:
    rng = np.random.default_rng(plan.seed)
    families = _families(cases, plan, clock)
    planned = _share_out(families, plan.seconds)
    begun = clock()
    order = rng.permutation(np.repeat(np.arange(len(families)), [family.rounds for family in families]))
    for number, which in enumerate(order.tolist()):
        family = families[which]
        spent = (clock() - begun) * NANO
        if progress:
            progress(round(min(spent, planned)), round(planned))
        late = spent > _LATE * planned and family.done >= LEAST_ROUNDS
        if not late and not family.finished:
            _round(family, number, rng, pace, clock)
            family.look(plan)
    return [sample for family in families for sample in family.samples]


def _families(cases: Sequence[tuple[Case, Call, float]], plan: Plan, clock: Clock) -> list[_Family]:
    """Warm every case up, and find out how many calls of it make a round."""
    grouped: dict[object, list[tuple[Case, Call, float]]] = {}
    for each in cases:
        grouped.setdefault(each[0].family, []).append(each)
    made = []
    for members in grouped.values():
        counts, seconds = [], []
        for case, call, _ in members:
            for _ in range(case.warm_ups):
                call.prepare()
                call.run()
            call.prepare()
            taken = max(_time(call, clock)[0], 1e-7)
            counts.append(int(np.clip(plan.round_seconds / taken, 1, _MOST_CALLS)))
            seconds.append(counts[-1] * taken)
        samples = [Sample(case, share, call.items) for case, call, share in members]
        made.append(_Family(samples, [call for _, call, _ in members], counts, seconds))
    return made


def _share_out(families: Sequence[_Family], seconds: float) -> float:
    """Give each family its rounds, and say how many seconds all of them need.

    The shares of the time are equal, and what a quick family does not need goes to the others. One whose least rounds
    need more than its share takes that time on top, and not from the others.
    """
    left, total = seconds, 0.0
    ordered = sorted(families, key=lambda family: sum(family.seconds))
    for number, family in enumerate(ordered):
        share = left / (len(ordered) - number)
        needed = family.share_out(share, most=_ON_TOP * seconds)
        left -= min(share, needed)
        total += needed
    return total


def _round(family: _Family, number: int, rng: np.random.Generator, pace: Callable[[], object], clock: Clock) -> None:
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    try:
        speed = min(_time(Call(pace), clock)[0] for _ in range(3))
        for which in rng.permutation(family.members).tolist():
            sample, call = family.samples[which], family.calls[which]
            sample.pace[number] = speed
            for _ in range(family.counts[which]):
                call.prepare()
                before = call.server_seconds() if call.server_seconds else 0.0
                taken, said = _time(call, clock)
                parts = said if call.tells_seconds else (taken,)
                sample.seconds += parts
                sample.rounds += [number] * len(parts)
                if call.server_seconds:
                    sample.server.append(call.server_seconds() - before)
    finally:
        if was_on:
            gc.enable()


def _time(call: Call, clock: Clock) -> tuple[float, Any]:
    """Seconds of a call, and what it returned."""
    run = call.run
    started = clock()
    said = run()
    return (clock() - started) * NANO, said
