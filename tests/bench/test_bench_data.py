"""Generated data: the same each time, as many as asked, and shaped as the docs say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.bench import data
from workbench.log_rows import LOG_ROWS
from workbench.rows import FACT_KEY, FACTS, FEATURES, IMPORTS

ROWS = 10_000


def facts(seed: int = data.SEED) -> pa.Table:
    """All of them in one table."""
    return pa.concat_tables([state.facts for _, state in data.states(ROWS, seed)])


def test_facts_are_the_same_for_the_same_seed_only() -> None:
    assert facts().equals(facts())
    assert not facts().equals(facts(seed=1))


def test_facts_are_rows_as_stores_keep_them() -> None:
    for name, state in data.states(ROWS):
        assert (state.facts.schema, state.features.schema, state.imports.schema) == (FACTS, FEATURES, IMPORTS)
        assert set(state.facts["project"].to_pylist()) == {name}
    keys = facts().group_by(list(FACT_KEY)).aggregate([([], "count_all")])
    assert keys.num_rows == facts().num_rows, "a key occurs twice"


def test_facts_are_about_as_many_as_asked_and_skewed() -> None:
    sizes = [state.facts.num_rows for _, state in data.states(ROWS)]
    assert abs(sum(sizes) / ROWS - 1) < 0.03
    assert sizes[0] > 2 * sizes[-1], "projects are of one size: real ones are not"
    assert data.typical_project(ROWS) in data.project_names(ROWS)
    assert [len(data.project_names(rows)) for rows in (10_000, 1_000_000)] == [5, 50]


def test_facts_have_the_share_of_failures_and_weekdays_that_the_docs_say() -> None:
    table = facts().to_pandas()
    deployments = table[table.phase_name == "deployment"].groupby(["project", "cycle_id"]).created_at.first()
    incidents = table[table.phase_name == "maintenance"]
    assert 0.02 < len(incidents) / len(deployments) < 0.09
    assert (deployments.dt.day_of_week < 5).mean() > 0.85
    assert table.created_at.max() < data.END.replace(day=2)
    assert table[table.phase_name == "deployment"].duration_seconds.isna().mean() < 0.03


def test_lines_are_rows_as_log_stores_keep_them_and_some_are_long() -> None:
    batches = list(data.log_batches(20_000))
    lines = pa.concat_tables([batch.rows for batch in batches])
    assert lines.schema == LOG_ROWS
    assert abs(lines.num_rows / 20_000 - 1) < 0.03
    assert len(pc.unique(lines["log_id"])) == lines.num_rows
    assert set(lines["log_date"].to_pylist()) <= set(data.log_days())
    lengths = np.sort(pc.binary_length(lines["message"]).to_numpy())
    assert lengths[-1] > 4_000 > 200 > np.median(lengths)
    for batch in batches:
        moments = batch.rows["log_timestamp"].to_numpy()
        assert (moments[1:] >= moments[:-1]).all()


def test_lines_of_another_seed_are_other_lines() -> None:
    one, other = (next(iter(data.log_batches(5_000, seed))).rows for seed in (1, 2))
    assert not set(one["log_id"].to_pylist()) & set(other["log_id"].to_pylist())
