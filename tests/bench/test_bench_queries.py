"""The questions that only benchmarks ask: other ways to the same figures give the same figures."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from workbench.bench import data
from workbench.bench.metric_cases import bench_queries, five_figures
from workbench.metrics.embedded import EmbeddedStore

ROWS = 10_000
DAYS = 90


@pytest.mark.parametrize("project", data.project_names(ROWS)[:3])
def test_the_figures_in_sql_are_those_in_pandas(tmp_path: Path, project: str) -> None:
    store = EmbeddedStore(tmp_path)
    state = next(made for name, made in data.states(ROWS) if name == project)
    with store.lock([project]):
        store.write(project, store.read([project]), state)
    span = {"projects": [project], "since": data.END - timedelta(days=DAYS), "until": data.END}
    (said,) = store.query(bench_queries()["five_figures"], span).to_pylist()
    rows = store.query(bench_queries()["window_rows"], span).to_pandas()
    weekly, lead, failed, recovery, rework = five_figures(rows)
    assert said["deployments"] > 20, "too few deployments to show anything"
    assert said["deployments"] / DAYS * 7 == pytest.approx(weekly)
    assert float(said["lead_seconds"]) == pytest.approx(lead, abs=0.01)
    assert said["failed"] / said["deployments"] == pytest.approx(failed)
    assert said["rework"] / said["deployments"] == pytest.approx(rework)
    if said["recovery_seconds"] is None:
        assert recovery != recovery, "there was no incident, so there is no time"
    else:
        assert float(said["recovery_seconds"]) == pytest.approx(recovery, abs=0.01)
