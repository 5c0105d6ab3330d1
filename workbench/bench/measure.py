"""Times cases so that drift, neighbours and the garbage collector fall on all of them alike.

The run is cut into rounds; a round is a few calls of each case of one family, one right after the other in random
order, beside a fixed piece of work that shows how fast the machine is just then. The rounds of all families are
shuffled over the whole run. A family ends when its interval is as narrow as asked, or its share of the time is used up.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.bench.cases import Call, Case
from workbench.bench.statistics import Values, estimate

Clock = Callable[[], int]
Progress = Callable[[int, int], None]
"""Called with the seconds that have passed, and those planned."""

LEAST_ROUNDS: Final = 3
SETTLED_ROUNDS: Final = 24
"""Comparisons between runs need about so many rounds."""
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

    ``server`` has the server's own seconds a call, one value a round, where it was asked.
    """

    case: Case
    share: float
    items: int = 0
    seconds: list[float] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    pace: dict[int, float] = field(default_factory=dict)
    server: dict[int, float] = field(default_factory=dict)

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
    """Cases that are compared with each other, and how many calls of each make a round."""

    samples: list[Sample]
    calls: list[Call]
    counts: list[int]
    round_seconds: float
    rounds: int = 0
    finished: bool = False

    def look(self, plan: Plan) -> None:
        """Find out, now and then, whether this family has what was asked of it."""
        rounds = len(self.samples[0].pace)
        if rounds >= SETTLED_ROUNDS and rounds % _LOOK_EVERY == 0:
            self.finished = all(sample.precise(plan.precision) for sample in self.samples)


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
        late = spent > _LATE * planned and len(family.samples[0].pace) >= LEAST_ROUNDS
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
        counts, total = [], 0.0
        for case, call, _ in members:
            for _ in range(case.warm_ups):
                call.prepare()
                call.run()
            call.prepare()
            taken = max(_time(call, clock)[0], 1e-7)
            counts.append(int(np.clip(plan.round_seconds / taken, 1, _MOST_CALLS)))
            total += counts[-1] * taken
        samples = [Sample(case, share, call.items) for case, call, share in members]
        made.append(_Family(samples, [call for _, call, _ in members], counts, total))
    return made


def _share_out(families: Sequence[_Family], seconds: float) -> float:
    """Give each family its rounds, and say how many seconds all of them need.

    The shares of the time are equal, and what a quick family does not need goes to the others. One whose least rounds
    need more than its share takes that time on top, and not from the others.
    """
    left = seconds
    ordered = sorted(families, key=lambda family: family.round_seconds)
    for number, family in enumerate(ordered):
        share = left / (len(ordered) - number)
        family.rounds = int(np.clip(share / family.round_seconds, LEAST_ROUNDS, _MOST_ROUNDS))
        left -= min(share, family.rounds * family.round_seconds)
    return sum(family.rounds * family.round_seconds for family in families)


def _round(family: _Family, number: int, rng: np.random.Generator, pace: Callable[[], object], clock: Clock) -> None:
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    try:
        speed = min(_time(Call(pace), clock)[0] for _ in range(3))
        for which in rng.permutation(len(family.samples)).tolist():
            sample, call = family.samples[which], family.calls[which]
            before = call.server_seconds() if call.server_seconds else 0.0
            for _ in range(family.counts[which]):
                call.prepare()
                taken, said = _time(call, clock)
                parts = said if call.tells_seconds else (taken,)
                sample.seconds += parts
                sample.rounds += [number] * len(parts)
            sample.pace[number] = speed
            if call.server_seconds:
                sample.server[number] = (call.server_seconds() - before) / family.counts[which]
    finally:
        if was_on:
            gc.enable()


def _time(call: Call, clock: Clock) -> tuple[float, Any]:
    """Seconds of a call, and what it returned."""
    run = call.run
    started = clock()
    said = run()
    return (clock() - started) * NANO, said
