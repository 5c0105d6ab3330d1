"""A profile: every statement with its file, parameters, rows and time, and what looks wrong about them."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.april import APRIL, add_project
from tests.facts import PROJECT
from workbench import Bench, connect
from workbench.errors import ParameterError
from workbench.metrics import queries
from workbench.metrics.plan import Plan, duckdb_plan
from workbench.metrics.statements import Statement
from workbench.model import BucketUnit
from workbench.profiling import Profile, profile_html
from workbench.profiling.flags import flags_of

QUESTION: dict[str, Any] = {"start": "2025-04-01", "end": "2025-05-01", "now": datetime(2025, 6, 1, tzinfo=UTC)}
BINS = {"pooled": 0, "bins": queries.bins([0, 3600, 864_000]), **APRIL}


def ask(bench: Bench, *projects: str) -> None:
    bench.query("lead_time_histogram", projects=list(projects or [PROJECT]), **BINS)


def test_a_statement_has_file_parameters_rows_and_time(bench: Bench) -> None:
    with bench.profile() as p:
        ask(bench)
    (one,) = p.statements
    assert (one.query, one.file, one.rows, one.cached, one.error) == (
        "lead_time_histogram", "lead_time_histogram.sql", 1, False, "",
    )  # fmt: skip
    assert one.parameters["projects"] == [PROJECT]
    assert one.parameters["since"] == "2025-04-01 00:00:00"
    assert 0 < one.seconds <= p.seconds
    assert one.began.tzinfo is UTC


def test_a_second_time_comes_out_of_the_cache_and_refresh_does_not(bench: Bench) -> None:
    for refresh, cached in ((False, False), (False, True), (True, False), (False, True)):
        with bench.profile() as p:
            _ = bench.dora(**QUESTION, refresh=refresh).measurement
        assert {one.cached for one in p.statements if one.file} == {cached}, (refresh, cached)


def test_figures_are_the_same_with_cache_without_and_refreshed(bench: Bench, tmp_path: Path) -> None:
    plain = connect(data=tmp_path / "data", cache_seconds=0)
    expected = plain.dora(**QUESTION).as_json()
    answers = [bench.dora(**QUESTION, refresh=refresh).as_json() for refresh in (False, False, True)]
    assert answers == [expected] * 3
    with plain.profile() as p:
        plain.dora(**QUESTION).as_json()
    assert {one.cached for one in p.statements} == {None}, "nothing is cached"


def test_asking_again_a_moment_later_is_the_same_question(bench: Bench) -> None:
    """Without this, what depends on the time of asking would never come out of the cache."""
    days: dict[str, Any] = {"start": "2025-04-01", "end": "2025-05-01"}
    bench.dora(**days, now=datetime(2025, 6, 1, 10, 0, 1, tzinfo=UTC)).as_json()
    with bench.profile() as p:
        bench.dora(**days, now=datetime(2025, 6, 1, 10, 4, 58, tzinfo=UTC)).as_json()
    assert {one.query for one in p.statements if one.cached is False} == set()


def test_outside_of_a_profile_nothing_is_collected(bench: Bench) -> None:
    p = bench.profile()
    ask(bench)
    with p:
        ask(bench)
    ask(bench)
    assert len(p.statements) == 1
    p.start()
    ask(bench)
    p.stop()
    ask(bench)
    assert len(p.statements) == 2


def test_profiles_inside_of_others_each_see_theirs(bench: Bench) -> None:
    with bench.profile() as outer:
        ask(bench)
        with bench.profile() as inner:
            ask(bench)
        ask(bench)
    assert (len(outer.statements), len(inner.statements)) == (3, 1)


def test_statements_of_all_threads_are_collected(bench: Bench) -> None:
    with bench.profile() as p:
        threads = [threading.Thread(target=ask, args=(bench,), name=f"t{n}") for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(one.thread for one in p.statements) == [f"t{n}" for n in range(8)]


def test_a_failure_is_told_and_raised(bench: Bench) -> None:
    with bench.profile() as p, pytest.raises(ParameterError):
        bench.query("lead_time_histogram", projects="shop")
    assert p.statements[0].error.startswith("ParameterError: ")
    assert p.statements[0].rows is None
    assert [flag.kind for flag in p.flags] == ["failed"]


def test_one_statement_a_key_is_flagged_and_pages_are_not(bench: Bench, tmp_path: Path) -> None:
    with bench.profile() as p:
        for n in range(5):
            ask(bench, f"p{n}")
    assert [(flag.kind, flag.query, flag.count) for flag in p.flags] == [("n_plus_one", "lead_time_histogram", 5)]
    with bench.profile() as p:
        for _ in range(6):
            ask(bench)
        answer = bench.dora(**QUESTION)
        for page in range(1, 7):
            answer.rows("lead_time", page, size=1)
    assert not p.flags, "the same question, and the pages of one question, are no loop over keys"


def test_slow_statements_are_flagged(april: Path) -> None:
    with connect(data=april, slow_seconds=1e-9).profile() as p:
        ask(connect(data=april))
    assert not p.statements, "another bench"
    bench = connect(data=april, slow_seconds=1e-9)
    with bench.profile() as p:
        ask(bench)
    assert [flag.kind for flag in p.flags] == ["slow"]


def test_a_plan_says_what_was_read(bench: Bench) -> None:
    with bench.profile(plans=True) as p:
        ask(bench)
        ask(bench)
    first, second = p.statements
    assert first.plan is not None
    assert "READ_PARQUET" in first.plan.text
    assert "phase_name = 'deployment'" in first.plan.text
    assert first.plan.full_scans == (), "one row group: nothing to leave out"
    assert second.plan is None, "it did not run"


def test_a_scan_of_all_row_groups_is_full_and_of_some_is_not(tmp_path: Path) -> None:
    import duckdb
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": np.arange(10_000)}), tmp_path / "t.parquet", row_group_size=2_500)
    connection = duckdb.connect()

    def plan(where: str) -> Plan:
        sql = f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT SUM(a) FROM read_parquet('{tmp_path / 't.parquet'}') {where}"
        return duckdb_plan(connection.execute(sql).fetchall()[0][1])

    full = plan("")
    assert full.full_scans == ("all 4 row groups of 1 file (10,000 rows)",)
    assert plan("WHERE a < 100").full_scans == ()
    flags = flags_of([statement(plan=full)], 1)
    assert [(flag.kind, flag.text) for flag in flags] == [
        ("full_scan", "q reads from end to end: all 4 row groups of 1 file (10,000 rows).")
    ]


def statement(query: str = "q", **more: object) -> Statement:
    values: dict[str, object] = {
        "query": query, "file": f"{query}.sql", "sql": "SELECT 1", "parameters": {}, "key": "", "rows": 1,
        "seconds": 0.001, "cached": False, "error": "", "plan": None, "thread": "t",
        "began": datetime(2025, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return Statement(**{**values, **more})  # type: ignore[arg-type]


def test_shown_as_html_everything_is_escaped(bench: Bench) -> None:
    with bench.profile(plans=True) as p:
        ask(bench, "<script>alert(1)</script>", PROJECT)
        for n in range(5):
            ask(bench, f"<b>{n}")
    html = profile_html(p)
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert 'class="wb-table"' in html
    assert 'data-kind="warning"' in html
    assert "N+1" in html
    assert '<div class="wb">' in p._repr_html_()


def test_shown_as_text_without_control_characters(bench: Bench) -> None:
    with bench.profile() as p:
        ask(bench, "\x1b[31mred\x9b", PROJECT)
    text = str(p)
    assert text.startswith("1 statement in ")
    assert "lead_time_histogram.sql" in text
    assert "\x1b" not in text
    assert "\x9b" not in text


def test_thousands_of_statements_are_one_page(bench: Bench) -> None:
    with bench.profile() as p:
        for _ in range(250):
            p.tell(statement())
    assert "And 50 more statements" in profile_html(p)
    assert "And 50 more statements" in str(p)
    assert len(p.frame) == 250


def test_an_empty_profile_shows_itself(bench: Bench) -> None:
    p: Profile = bench.profile()
    assert str(p).startswith("0 statements in 0.000 s")
    assert "0 statements" in p._repr_html_()
    assert p.frame.empty


def test_the_frame_has_a_row_a_statement(bench: Bench) -> None:
    with bench.profile(plans=True) as p:
        ask(bench)
    assert isinstance(p.frame, pd.DataFrame)
    row = p.frame.iloc[0]
    assert (row["file"], row["rows"]) == ("lead_time_histogram.sql", 1)
    assert "READ_PARQUET" in row["plan"]


def test_an_import_shows_the_stores_own_steps(bench: Bench, tmp_path: Path) -> None:
    with bench.profile() as p:
        add_project(bench.metrics, tmp_path, "other")
    steps = {one.query for one in p.statements}
    assert {"store.read", "store.write"} <= steps
    assert all(one.file == "" for one in p.statements if one.query.startswith("store."))


@pytest.mark.parametrize("metric", ["deployment_frequency", "lead_time", "change_fail_rate", "recovery_time"])
def test_a_page_of_rows_is_one_statement_and_brings_the_names(bench: Bench, metric: str) -> None:
    """Titles, authors and teams come by a join: one statement a page, however many rows it has."""
    answer = bench.dora(**QUESTION)
    with bench.profile() as p:
        rows = answer.rows(metric)
    assert len(rows) > 0
    assert len(p.statements) == 1
    if metric == "lead_time":
        assert set(rows["title"]) == {"Title <d1>", "Title <d2>", "Title <d3>"}
        assert set(rows["author"]) == {"Ann"}
        assert set(rows["team"]) == {"Blue"}


def test_a_dashboard_is_a_fixed_number_of_statements(bench: Bench, tmp_path: Path) -> None:
    """Whatever the number of projects and of buckets; some are asked for the window and for the one before it."""

    def asked(bucket: BucketUnit) -> Counter[str]:
        with bench.profile() as p:
            bench.dora(**QUESTION, bucket=bucket).as_json()
        return Counter(one.query for one in p.statements)

    one_project = asked("month")
    for n in range(1, 4):
        add_project(bench.metrics, tmp_path, f"p{n}")
    assert asked("day") == one_project
    assert max(one_project.values()) == 2
