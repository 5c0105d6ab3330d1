"""One difference between MySQL and DuckDB: what is meant for MySQL's optimiser only."""

from __future__ import annotations

import duckdb
import pytest

from workbench.metrics.dialect import to_duckdb


def test_straight_join_is_a_join() -> None:
    sql = "SELECT a.n AS n FROM (SELECT 1 AS n UNION ALL SELECT 2) AS a STRAIGHT_JOIN (SELECT 2 AS n) AS b ON a.n = b.n"
    with duckdb.connect() as connection:
        assert connection.execute(to_duckdb(sql)).fetchall() == [(2,)]


def test_hints_are_left_out_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    sql = "SELECT /*+ INDEX(a by_name) */ DISTINCT a.n AS n FROM (SELECT 2 AS n UNION ALL SELECT 2) AS a"
    with duckdb.connect() as connection:
        assert connection.execute(to_duckdb(sql)).fetchall() == [(2,)]
    assert not caplog.records
