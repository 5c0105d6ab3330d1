"""How cases are timed: interleaved, adaptive, within a budget, cold ones prepared each time."""

from __future__ import annotations

import gc
from collections import Counter

import numpy as np
import pytest

from tests.bench.simulated import PLAN, Machine, case, samples
from workbench.bench.cases import Call
from workbench.bench.load import closed_loop, open_loop
from workbench.bench.measure import LEAST_ROUNDS, SETTLED_ROUNDS, Plan, measure


def test_times_are_those_of_the_work() -> None:
    first, second = samples(Machine(1, noise=0, drift=0), {"fast": 0.001, "slow": 0.004})
    assert np.median(first.values) == pytest.approx(0.001)
    assert np.median(second.values) == pytest.approx(0.004)
    assert set(first.pace.values()) == {0.001}


def test_families_alternate_over_the_whole_run() -> None:
    plan = Plan(seconds=6, precision=0)  # never precise enough: all of the time is used
    first, second = samples(Machine(2), {"one": 0.002, "two": 0.002}, plan)
    for sample in (first, second):
        middle = (min(sample.rounds) + max(sample.rounds)) / 2
        early = np.mean(np.array(sample.rounds) < middle)
        assert 0.3 < early < 0.7, "one case was measured early and another late: drift would fall on one"


def test_same_seed_same_order() -> None:
    one, two = (samples(Machine(3), {"one": 0.002, "two": 0.003}) for _ in range(2))
    assert [sample.rounds for sample in one] == [sample.rounds for sample in two]


def test_a_steady_case_ends_early_and_an_unsteady_one_goes_on() -> None:
    steady, unsteady = (samples(Machine(4, noise=noise, drift=0), {"it": 0.002})[0] for noise in (0.001, 0.5))
    assert len(steady.pace) >= SETTLED_ROUNDS
    assert len(unsteady.seconds) > 2 * len(steady.seconds)


def test_a_slow_case_gets_its_least_rounds_and_no_more() -> None:
    slow, fast = samples(Machine(5), {"slow": 5.0, "fast": 0.001})
    assert len(slow.pace) == LEAST_ROUNDS
    assert len(fast.pace) >= LEAST_ROUNDS


def test_a_target_gets_the_calls_that_its_percentile_needs_and_its_companions_do_not() -> None:
    machine = Machine(11)
    ours, theirs = case("ours"), case("theirs", peer_of="ours", peer_kind="peer")
    pair = [(ours, Call(machine.work(0.05)), 0.95), (theirs, Call(machine.work(0.5)), 0.5)]
    plan = Plan(seconds=14, precision=0.001)
    mine, peer = measure(pair, plan, pace=machine.work(0.001), clock=machine.clock)
    assert len(mine.seconds) >= 72, "fewer values give the 95th percentile no interval"
    assert len(peer.seconds) < 30, "the peer took the time of the target"
    assert set(peer.pace) < set(mine.pace)


def test_a_whole_process_is_judged_without_its_peer_taking_the_time() -> None:
    machine = Machine(12)
    report, plain = case("report"), case("plain", peer_of="report", peer_kind="peer")
    pair = [(report, Call(machine.work(2.0)), 0.95), (plain, Call(machine.work(4.0)), 0.5)]
    mine, peer = measure(pair, Plan(seconds=40, precision=0.05), pace=machine.work(0.001), clock=machine.clock)
    assert len(mine.seconds) >= 6, "a comparison of runs judges nothing below six rounds"
    assert len(mine.seconds) < 20
    assert len(peer.seconds) < len(mine.seconds) + 1


def test_peers_run_in_the_same_rounds() -> None:
    machine = Machine(6)
    ours, theirs = case("ours"), case("theirs", peer_of="ours", peer_kind="peer")
    made = measure(
        [(ours, Call(machine.work(0.001)), 0.5), (theirs, Call(machine.work(0.002)), 0.5)], PLAN,
        pace=machine.work(0.001), clock=machine.clock,
    )  # fmt: skip
    assert set(made[0].rounds) == set(made[1].rounds)


def test_preparation_happens_before_each_call_and_is_not_timed() -> None:
    machine, done = Machine(7, noise=0, drift=0), Counter[str]()

    def prepare() -> None:
        done["prepared"] += 1
        machine.work(0.5)()

    def run() -> None:
        done["ran"] += 1
        assert done["prepared"] == done["ran"], "a cold call was made without making it cold"
        machine.work(0.01)()

    (sample,) = measure(
        [(case("it", state="cold"), Call(run, prepare), 0.5)], PLAN, pace=machine.work(0.001), clock=machine.clock
    )
    assert set(np.round(sample.values, 9)) <= {0.01, 0.03}


def test_parts_that_tell_their_own_seconds_are_taken_instead_of_the_call() -> None:
    machine = Machine(7, noise=0, drift=0)

    def run() -> tuple[float, float]:
        machine.work(0.01)()
        return 0.003, 0.004

    (sample,) = measure(
        [(case("it"), Call(run, tells_seconds=True), 0.5)], PLAN, pace=machine.work(0.001), clock=machine.clock
    )
    assert set(sample.seconds) == {0.003, 0.004}
    assert len(sample.rounds) == len(sample.seconds), "each of them belongs to a round"


def test_garbage_is_not_collected_in_the_timed_part_and_is_afterwards() -> None:
    machine, seen = Machine(8), set[bool]()
    rounds = []

    def run() -> None:
        seen.add(gc.isenabled())
        rounds.append(1)
        machine.work(0.01)()

    measure([(case("it", warm_ups=0), Call(run), 0.5)], PLAN, pace=machine.work(0.001), clock=machine.clock)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    assert False in seen


def test_server_time_is_told_apart() -> None:
    machine, spent = Machine(9, noise=0, drift=0), [0.0]

    def run() -> None:
        spent[0] += 0.004
        machine.work(0.01)()

    (sample,) = measure(
        [(case("it"), Call(run, server_seconds=lambda: spent[0]), 0.5)],
        PLAN, pace=machine.work(0.001), clock=machine.clock,
    )  # fmt: skip
    assert sample.server == pytest.approx([0.004] * len(sample.server))


def test_an_error_of_a_case_ends_the_run_and_leaves_the_collector_as_it_was() -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        measure([(case("it"), Call(fail), 0.5)], PLAN, pace=lambda: None)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_open_loop_counts_from_the_intended_start() -> None:
    stalled = [True]

    def call() -> None:
        if stalled.pop() if stalled else False:
            import time

            time.sleep(0.2)

    load = open_loop(call, 0.3, 1, 100)
    assert len(load.seconds) == 30
    waited = np.sort(load.seconds)[::-1]
    assert (waited[:10] > 0.05).all(), "calls that should have started during the stall do not show it"
    assert (load.asked_rate, load.callers) == (100, 1)


def test_closed_loop_has_so_many_callers() -> None:
    import threading

    seen = set[int]()
    both = threading.Barrier(2, timeout=20)

    def call() -> None:
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            both.wait()

    load = closed_loop(call, 0.05, 2)
    assert len(seen) == 2
    assert load.rate > 0
    assert load.asked_rate is None


def test_an_error_under_load_reaches_the_caller() -> None:
    def fail() -> None:
        raise RuntimeError("broken under load")

    with pytest.raises(RuntimeError, match="broken under load"):
        closed_loop(fail, 0.05, 2)
