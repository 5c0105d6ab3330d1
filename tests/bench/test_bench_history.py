"""The history: what is kept comes back, whole or not at all, in a format that later versions can tell."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.bench.simulated import Machine, run_of, samples
from workbench.bench.history import History, Run
from workbench.bench.stage import child_environment
from workbench.errors import ParameterError, StoreError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run() -> Run:
    """A run of two cases."""
    return run_of(samples(Machine(1), {"dashboard": 0.002, "by_phase": 0.001}))


def test_what_is_kept_comes_back(tmp_path: Path, run: Run) -> None:
    history = History(tmp_path / "history")
    history.add(run)
    back = history.get(run.id)
    assert replace(back, results=()) == replace(run, results=(), remarks=[])
    for kept, read in zip(run.results, back.results, strict=True):
        assert np.array_equal(kept.values, read.values)
        assert (kept.rounds, kept.paces, kept.histogram) == (read.rounds, read.paces, read.histogram)


def test_runs_are_found_by_name_begin_and_place(tmp_path: Path, run: Run) -> None:
    history = History(tmp_path)
    older, newer = replace(run, id="20260101T000000Z-aaaaaa"), replace(run, id="20260102T000000Z-bbbbbb", key="two")
    path = history.add(older)
    history.add(newer)
    found = [history.get(name).id for name in ("latest", "previous", "20260102", str(path))]
    assert found == [newer.id, older.id, newer.id, older.id]
    assert [one.id for one in history.runs(key="two")] == [newer.id]
    with pytest.raises(ParameterError, match="More than one benchmark run begins with '2026'"):
        history.get("2026")
    with pytest.raises(ParameterError, match="There is no benchmark run 'x'"):
        history.get("x")


def test_empty_history_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="Make one with: workbench bench"):
        History(tmp_path / "nowhere").get("latest")


def test_a_killed_writer_leaves_no_half_run_and_the_next_run_is_kept(tmp_path: Path, run: Run) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.bench.simulated import Machine, run_of, samples\n"
        "from workbench.bench.history import History\n"
        "made = run_of(samples(Machine(1), {'dashboard': 0.002}))\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"  # everything is written, nothing is safe yet
        "History(Path(sys.argv[1])).add(made)\n"
    )
    environment = child_environment(PYTHONPATH=str(ROOT))
    done = subprocess.run([sys.executable, "-c", code, tmp_path], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    history = History(tmp_path)
    assert list(tmp_path.iterdir()), "the kill came too early to show anything"
    assert history.runs() == []
    history.add(run)
    assert [one.id for one in history.runs()] == [run.id]


def test_damaged_and_newer_files_are_refused_in_a_sentence(tmp_path: Path, run: Run) -> None:
    (tmp_path / "20260101T000000Z-cccccc.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match="is no benchmark run, or it is damaged"):
        History(tmp_path).get("latest")
    path = History(tmp_path / "newer").add(run)
    table = pq.read_table(path)
    note = table.schema.metadata[b"workbench-bench"].replace(b'"format": 1', b'"format": 2')
    pq.write_table(table.replace_schema_metadata({b"workbench-bench": note}), path)
    with pytest.raises(StoreError, match="newer workbench"):
        History(tmp_path / "newer").get("latest")
