"""workbench bench as a user types it, on the embedded store: small, real, and leaving nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from workbench.bench import measure
from workbench.bench.measure import Plan
from workbench.bench.stage import child_environment

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from workbench.cli import main; main()", "bench", "--case", "embedded/by_"]


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a quick run."""
    monkeypatch.setattr(measure, "QUICK", Plan(seconds=0.8, precision=0.5, load_seconds=0.1))


def left(data: Path) -> list[str]:
    """Everything in the scratch folder, and half-written runs."""
    return [path.name for path in (*data.glob("bench/scratch/*"), *data.glob("bench/history/.*"))]


@pytest.mark.usefixtures("brief")
def test_a_run_says_what_it_writes_prints_a_table_and_is_kept(workbench: Command, tmp_path: Path) -> None:
    done = workbench("bench", "--quick", "--case", "embedded/by_")
    assert done.code == 0, done.err
    assert "embedded: 10,000 rows" in done.err.splitlines()[0]
    assert "removed at the end" in done.err.splitlines()[0]
    assert "embedded/by_phase@10k" in done.out
    assert len(list(tmp_path.glob("data/bench/history/*.parquet"))) == 1
    assert left(tmp_path / "data") == []


@pytest.mark.usefixtures("brief")
def test_a_second_run_is_compared_with_the_first(workbench: Command) -> None:
    first = workbench("bench", "--quick", "--case", "embedded/by_phase", "--json").json
    second = workbench("bench", "--quick", "--case", "embedded/by_phase", "--json").json
    assert first["comparison"] is None
    assert second["comparison"]["old"] == first["run"]["id"]
    compared = workbench("bench", "compare", first["run"]["id"], "--json").json
    assert (compared["old"], compared["new"]) == (first["run"]["id"], second["run"]["id"])
    assert compared["differences"] == []
    (case,) = compared["cases"]
    assert case["new_median"] == second["cases"][0]["median"]
    assert "new / old" in workbench("bench", "compare", "previous", "latest").out


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (1.3, 1)])
def test_fail_on_regression_is_for_ci(workbench: Command, tmp_path: Path, factor: float, code: int) -> None:
    from dataclasses import replace

    from tests.bench.simulated import Machine, run_of, samples
    from workbench.bench.history import History

    history = History(tmp_path / "data/bench/history")
    history.add(run_of(samples(Machine(1), {"dashboard": 0.002})))
    history.add(replace(run_of(samples(Machine(2), {"dashboard": 0.002 * factor})), id="20260102T000000Z-000002"))
    done = workbench("bench", "compare", "previous", "latest", "--fail-on", "regression")
    assert done.code == code
    assert ("slower" in done.out.split("judgement")[1].split("Slower:")[0]) is (code == 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--store", "oracle"), "There is no store 'oracle'."),
        (("--store", "mysql"), "mysql is not configured."),
        (("--rows", "12"), "--rows cannot be '12'."),
        (("--case", "nothing"), "No case fits 'nothing'."),
        (("--quick", "--thorough"), "exclude each other"),
        (("--fail-on", "rain"), "--fail-on cannot be 'rain'."),
    ],
)
def test_wrong_use_is_said_before_anything_is_written(
    workbench: Command, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = workbench("bench", *arguments)
    assert (done.code, said in done.err) == (2, True), done.err
    assert not (tmp_path / "data").exists()


def test_list_names_cases_and_targets_and_writes_nothing(workbench: Command, tmp_path: Path) -> None:
    done = workbench("bench", "--list", "--rows", "10m")
    assert "embedded/dashboard@10m" in done.out
    assert "< 2.00 ms" in done.out
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_for_long(tmp_path: Path, workbench: Command, how: signal.Signals) -> None:
    data = tmp_path / "data"
    process = subprocess.Popen(
        COMMAND, env=child_environment(PYTHONPATH=str(ROOT), WORKBENCH_DATA=str(data)),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    limit = time.monotonic() + 60
    while not list(data.glob("bench/scratch/*/metrics_10k/metrics/*.parquet")):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert process.returncode == 130
        *_, last = said.splitlines()
        assert last.startswith("Interrupted. What was stored before is unchanged"), said
        assert "Traceback" not in said
    else:
        assert left(data), "the kill came too early to show anything"
        measure_next = workbench("bench", "--quick", "--case", "embedded/with_index", "--json")
        assert measure_next.code == 0, measure_next.err
    assert left(data) == []
    assert len(list(data.glob("bench/history/*.parquet"))) == (how is signal.SIGKILL)
