"""A machine whose clock moves only when work is done: noisy, drifting, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from workbench.bench.cases import Call, Case
from workbench.bench.history import Result, Run
from workbench.bench.measure import Plan, Sample, measure

PLAN = Plan(seconds=6, precision=0.02, round_seconds=0.02)


class Machine:
    """Its clock, and work that takes about so long. ``drift``: how far its speed wanders during a run."""

    def __init__(self, seed: int, noise: float = 0.05, drift: float = 0.05) -> None:
        self._rng = np.random.default_rng(seed)
        self._now = 0
        self._noise, self._drift = noise, drift
        self._speed = float(self._rng.normal(0, drift))

    def clock(self) -> int:
        """Nanoseconds."""
        return self._now

    def work(self, seconds: float) -> Callable[[], None]:
        """Work of about so many seconds; one time in fifty something gets in its way."""

        def run() -> None:
            # the speed wanders like a machine's that others use: slowly, and back again
            self._speed = 0.98 * self._speed + float(self._rng.normal(0, self._drift * 0.2))
            factor = np.exp(self._rng.normal(0, self._noise) + self._speed)
            late = 3.0 if self._rng.random() < 0.02 else 1.0
            self._now += round(seconds * factor * late * 1e9)

        return run


def case(name: str, store: str = "embedded", **more: object) -> Case:
    """A case that needs no setup."""
    return Case(store, name, name, 10_000, lambda _: Call(lambda: None), **more)  # type: ignore[arg-type]


def samples(machine: Machine, seconds: dict[str, float], plan: Plan = PLAN) -> list[Sample]:
    """Measure work of these lengths together."""
    cases = [(case(name), Call(machine.work(length)), 0.95) for name, length in seconds.items()]
    return measure(cases, plan, pace=machine.work(0.001), clock=machine.clock)


def result(sample: Sample) -> Result:
    """What the history keeps of a sample."""
    one, rounds = sample.case, sorted(sample.pace)
    return Result(
        one.id, one.store, one.name, one.title, one.rows, one.state, sample.share, sample.items, one.peer_of,
        one.peer_kind, sample.seconds, sample.rounds, rounds, [sample.pace[number] for number in rounds],
    )  # fmt: skip


def run_of(measured: list[Sample], name: str = "20260101T000000Z-000001", **more: object) -> Run:
    """A run with these results, on a machine called ``one``."""
    made = Run(
        name, datetime(2026, 1, 1, tzinfo=UTC), 1.0, "0.1.0", {}, {"cpu": "one"}, "one", 0.001, (), {},
        tuple(result(sample) for sample in measured),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]
