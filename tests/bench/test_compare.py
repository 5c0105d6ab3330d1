"""Regressions: a planted one is found, an unchanged program is left alone, other machines are not judged."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from tests.bench.simulated import Machine, case, run_of, samples
from workbench.bench.cases import Call
from workbench.bench.changes import change_points
from workbench.bench.compare import FALSE_ALARMS, compare
from workbench.bench.measure import Plan, measure

COMPARISONS = 100
TOLERATED = int(binom.ppf(0.999, COMPARISONS, FALSE_ALARMS))
"""So many false alarms, or fewer, are within chance of the stated rate."""
QUICK = Plan(seconds=2, precision=0.02, round_seconds=0.02)
TIMES = {"dashboard": 0.002, "by_phase": 0.001, "count": 0.0005}


@pytest.mark.parametrize("seed", range(5))
def test_planted_slowdown_of_a_fifth_is_found_in_the_case_that_has_it(seed: int) -> None:
    old = run_of(samples(Machine(seed), TIMES))
    new = run_of(samples(Machine(seed + 100), TIMES | {"dashboard": 0.0024}))
    assert [change.case for change in compare(old, new).regressions] == ["embedded/dashboard@10k"]


def test_speed_up_of_a_fifth_is_no_regression() -> None:
    comparison = compare(run_of(samples(Machine(1), TIMES)), run_of(samples(Machine(2), TIMES | {"count": 0.0004})))
    assert {change.case: change.judgement for change in comparison.changes}["embedded/count@10k"] == "faster"
    assert not comparison.regressions


def test_unchanged_program_is_flagged_no_more_often_than_stated() -> None:
    plan = Plan(seconds=0.4, precision=0.05, round_seconds=0.005)
    times = {"dashboard": 0.002, "by_phase": 0.001}
    flagged = 0
    for number in range(COMPARISONS):
        old, new = (run_of(samples(Machine(2 * number + which), times, plan)) for which in (0, 1))
        flagged += bool(compare(old, new).regressions)
    assert flagged <= TOLERATED


def test_unchanged_program_on_a_machine_that_became_slower_as_a_whole_is_not_flagged() -> None:
    old = run_of(samples(Machine(1), TIMES))
    slow = Machine(2)
    cases = [(case(name), Call(slow.work(1.3 * seconds)), 0.95) for name, seconds in TIMES.items()]
    new = run_of(measure(cases, QUICK, pace=slow.work(1.3 * 0.001), clock=slow.clock))
    assert not compare(old, new).regressions


def test_unchanged_real_call_is_flagged_no_more_often_than_stated() -> None:
    """A light call against itself, on the machine as it is: it says nothing about how long it takes."""

    def light() -> object:
        return sum(range(400))

    plan = Plan(seconds=0.02, precision=0, round_seconds=0.0001)
    flagged = 0
    for seed in range(COMPARISONS):
        # both runs at the same time, as families of one measurement: what befalls the machine befalls both
        pair = [(case(name), Call(light), 0.5) for name in ("old", "new")]
        old, new = measure(pair, replace(plan, seed=seed), pace=light, clock=time.perf_counter_ns)
        new.case = old.case
        flagged += bool(compare(run_of([old]), run_of([new])).regressions)
    assert flagged <= TOLERATED


def test_another_machine_is_not_judged_and_the_difference_is_said() -> None:
    old = run_of(samples(Machine(1), TIMES))
    new = run_of(samples(Machine(2), {name: 2 * seconds for name, seconds in TIMES.items()}),
                 machine={"cpu": "two"}, key="two")  # fmt: skip
    comparison = compare(old, new)
    assert not comparison.regressions
    assert {change.judgement for change in comparison.changes} == {"not judged"}
    assert comparison.differences == ("cpu: one and two",)


def test_too_few_rounds_are_undecided() -> None:
    few = Plan(seconds=0.01, precision=0.02)
    comparison = compare(run_of(samples(Machine(1), TIMES, few)), run_of(samples(Machine(2), {"count": 9.0}, few)))
    assert [(change.judgement, change.reason) for change in comparison.changes] == [
        ("undecided", "3 rounds are too few")
    ]


def test_step_in_a_history_is_found_where_it_is() -> None:
    rng = np.random.default_rng(1)
    medians = np.exp(rng.normal(0, 0.02, 30)) * np.where(np.arange(30) < 18, 1.0, 1.2) * 0.01
    (point,) = change_points(medians.tolist(), [0.001] * 30)
    assert point.index == 18
    assert point.ratio == pytest.approx(1.2, rel=0.03)


def test_step_of_the_machine_alone_is_none() -> None:
    rng = np.random.default_rng(2)
    machine = np.where(np.arange(30) < 18, 1.0, 1.3)
    medians = np.exp(rng.normal(0, 0.02, 30)) * machine * 0.01
    assert change_points(medians.tolist(), (machine * 0.001).tolist()) == []


def test_steady_histories_have_change_points_no_more_often_than_stated() -> None:
    rng = np.random.default_rng(3)
    found = sum(bool(change_points(np.exp(rng.normal(0, 0.1, 25)).tolist(), [1.0] * 25)) for _ in range(COMPARISONS))
    assert found <= TOLERATED


def test_short_history_has_none() -> None:
    assert change_points([1.0, 1.0, 1.0, 9.0, 9.0, 9.0], [1.0] * 6) == []
