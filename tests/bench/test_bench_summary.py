"""Targets and verdicts, cases and how they are chosen, and what a summary says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.bench.simulated import PLAN, Machine, case, run_of, samples
from workbench.bench import targets as goals
from workbench.bench import words
from workbench.bench.cases import SIZES, Call
from workbench.bench.catalogue import all_cases, choose, writes
from workbench.bench.machine import differences, unsteady
from workbench.bench.measure import Plan, measure
from workbench.bench.summary import as_json, judge, lines, ratios, verdicts
from workbench.bench.targets import Target, targets
from workbench.errors import ConfigurationError, ParameterError
from workbench.model import Estimate

LONG = Plan(seconds=30, precision=0.01)


def test_each_target_says_verdict_by_its_own_percentile() -> None:
    run = run_of(samples(Machine(1), {"dashboard": 0.008}, LONG))
    said = {judged.target.limit: judged.verdict for judged in verdicts(run)}
    assert said == {0.100: "met", 0.005: "missed"}, "teams ask for 100 ms at ten thousand rows, the project for 5 ms"


def test_a_target_that_cannot_be_met_is_missed() -> None:
    (sample,) = samples(Machine(2), {"dashboard": 0.004}, LONG)
    impossible = Target("embedded/dashboard@10k", 1e-9, False, 0.95, "client", "project")
    assert judge(impossible, run_of([sample]).results[0]).verdict == "missed"


def test_few_times_are_undecided_and_say_so() -> None:
    run = run_of(samples(Machine(3), {"dashboard": 0.050}, Plan(seconds=0.1, precision=0.05)))
    assert {(judged.verdict, judged.reason) for judged in verdicts(run) if judged.target.limit == 0.1} == {
        ("undecided", "3 times are too few for this percentile")
    }


def test_a_rate_is_met_from_above() -> None:
    (sample,) = samples(Machine(4, noise=0.01, drift=0.01), {"load": 0.5}, LONG)
    result = replace(run_of([sample]).results[0], items=100_000)
    for limit, said in ((100_000, "met"), (300_000, "missed")):
        judged = judge(Target(result.case, limit, True, 0.5, "client", "team"), result)
        assert judged.verdict == said
        assert judged.found.value == pytest.approx(200_000, rel=0.1)


def test_a_target_on_the_servers_time_needs_it() -> None:
    (sample,) = samples(Machine(5), {"dashboard": 0.050}, LONG)
    result = run_of([sample]).results[0]
    goal = Target(result.case, 0.010, False, 0.5, "server", "project")
    unknown = judge(goal, result)
    assert (unknown.verdict, unknown.reason) == ("not known", "this server does not tell its own times")
    timed = replace(result, server=np.full(50, 0.004).tolist())
    assert judge(goal, timed).verdict == "met"


def test_a_wrong_target_is_refused_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "targets.toml"
    for wrong in (
        'below = 1\nat_least = 2\nsource = "team"',
        'below = 1\nsource = "nobody"',
        'below = 1\nsource = "team"\nsoon = 1',
    ):
        file.write_text(f'format = 1\n[[target]]\ncase = "a/b@10k"\n{wrong}\n')
        with pytest.raises(ConfigurationError, match="the target of a/b@10k"):
            goals.read(file)


def test_every_target_is_of_a_case_that_exists() -> None:
    known = {one.id for one in all_cases(("embedded", "mysql", "cassandra", "report"), SIZES["10m"])}
    assert {target.case for target in targets()} <= known


def test_ids_are_unique_and_sizes_grow_with_the_order() -> None:
    small, large = (all_cases(("embedded",), rows) for rows in (SIZES["10k"], SIZES["10m"]))
    assert len({one.id for one in large}) == len(large)
    assert {one.id for one in small if not one.lines} < {one.id for one in large}
    assert {one.name for one in small if one.lines} == {one.name for one in large if one.lines}
    assert {rows for _, rows, _, _ in writes(large)} == set(SIZES.values())


def test_cases_are_chosen_by_part_or_pattern_and_bring_their_peers() -> None:
    known = all_cases(("embedded", "report"), SIZES["1m"])
    chosen = {one.id for one in choose(known, "embedded/n_plus_one")}
    assert chosen == {"embedded/one_join@10k", "embedded/n_plus_one@10k"}
    assert {one.name for one in choose(known, "report/*@10k")} == {"dora", "papermill"}
    with pytest.raises(ParameterError, match="No case fits 'nothing'"):
        choose(known, "nothing")


def test_a_peer_is_a_ratio_over_the_same_rounds() -> None:
    machine = Machine(6, drift=0.2)
    pair = [(case("dashboard"), 0.002), (case("pandas", peer_of="dashboard", peer_kind="peer"), 0.006)]
    made = measure([(one, Call(machine.work(length)), 0.5) for one, length in pair], LONG,
                   pace=machine.work(0.001), clock=machine.clock)  # fmt: skip
    (found,) = ratios(run_of(made))
    assert (found.case.name, found.base.name, found.kind) == ("pandas", "dashboard", "peer")
    assert found.ratio.low is not None
    assert found.ratio.high is not None
    assert found.ratio.low < 3 < found.ratio.high < 3.5


def test_json_of_a_run_is_whole_and_plain() -> None:
    run = run_of(samples(Machine(7), {"dashboard": 0.004, "by_phase": 0.001}))
    said = json.loads(json.dumps(as_json(run), allow_nan=False))
    assert [one["case"] for one in said["cases"]] == ["embedded/dashboard@10k", "embedded/by_phase@10k"]
    assert said["cases"][0]["median"] == lines(run)[0].median.value
    assert {target["verdict"] for target in said["cases"][0]["targets"]} <= {"met", "missed", "undecided"}, (
        "a time of this program cannot be unknown"
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.000812, "812 µs"), (0.00184, "1.84 ms"), (12.04, "12.0 s"), (0.9999, "1.00 s"), (123.4, "123 s"), (None, "–")],
)
def test_times_in_words(value: float | None, said: str) -> None:
    assert words.seconds(value) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.001, 0.002, "1.00 – 2.00 ms"), (0.0005, 0.002, "500 µs – 2.00 ms"), (0.001, None, "over 1.00 ms"),
     (None, 0.002, "under 2.00 ms"), (None, None, "")],
)  # fmt: skip
def test_intervals_in_words(low: float | None, high: float | None, said: str) -> None:
    assert words.span(low, high) == said


def test_ratio_in_words() -> None:
    assert words.ratio(Estimate(0.4234, 9, 0.401, 0.45)) == "0.42 times (0.40 – 0.45)"
    assert words.ratio(Estimate(None, 0)) == "–"


def test_noisy_and_drifting_machines_are_told() -> None:
    rng = np.random.default_rng(1)
    quiet = np.exp(rng.normal(0, 0.02, 90))
    assert unsteady(quiet.tolist()) == []
    assert "slower during the run" in unsteady((quiet * np.linspace(1, 1.3, 90)).tolist())[0]
    assert "of its median time" in unsteady(np.exp(rng.normal(0, 0.4, 90)).tolist())[-1]


def test_differences_of_machines_name_what_differs() -> None:
    one = {"cpu": "a", "packages": {"duckdb": "2.0", "numpy": "2"}, "servers": {}}
    other = {"cpu": "a", "packages": {"duckdb": "2.1", "numpy": "2"}, "servers": {"mysql": {"version": "9"}}}
    assert differences(one, other) == ["packages duckdb: 2.0 and 2.1", "servers mysql: none and {'version': '9'}"]


def test_a_peer_that_handles_fewer_items_is_compared_by_the_item() -> None:
    machine = Machine(3, noise=0, drift=0)
    ours, theirs = case("load"), case("plain", peer_of="load", peer_kind="peer")
    measured = measure(
        [(ours, Call(machine.work(0.010), items=100), 0.5), (theirs, Call(machine.work(0.005), items=10), 0.5)],
        PLAN, pace=machine.work(0.001), clock=machine.clock,
    )  # fmt: skip
    (one,) = ratios(run_of(measured))
    assert one.ratio.value == pytest.approx(5, rel=0.01), "half the time for a tenth of the lines is five times slower"
