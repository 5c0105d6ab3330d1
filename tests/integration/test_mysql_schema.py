"""The schema: up, down, again, as SQL for a DBA; and that its index serves each question of the dashboard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest

from tests import servers
from tests.facts import incident, shipped, table
from workbench.metrics import mysql, mysql_engine, mysql_schema, queries
from workbench.metrics.protocol import State
from workbench.rows import FACTS, FEATURES, IMPORTS

NOTHING = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
START = datetime(2025, 1, 1)
READS = {
    "deployment_counts": ["dora_metrics_window"] * 3,
    "lead_time_ranks": ["dora_metrics_window"],
    "recovery_time_ranks": ["dora_metrics_window"],
    "incident_counts": ["dora_metrics_window"],
    "deployment_days": ["dora_metrics_window"],
}
"""Which indexes each question of the dashboard reads, and how often: its window once, all incidents twice."""


def shape(kind: str, connect: mysql_engine.Connect) -> list[tuple[str | None, ...]]:
    """Every column and every index of a database."""
    schema = connect.url.rpartition("/")[2]
    columns = "table_name, ordinal_position, column_name, column_type, is_nullable, collation_name"
    keys = "table_name, index_name, seq_in_index, column_name, non_unique"
    return [
        row
        for what, where in ((columns, "columns"), (keys, "statistics"))
        for row in servers.sql(
            kind,
            f"SELECT {what} FROM information_schema.{where} WHERE table_schema = '{schema}' ORDER BY 1, 2, 3",
        )
    ]


def test_code_and_migrations_name_the_same_revision() -> None:
    assert mysql_schema.newest() == mysql.REVISION


def test_up_down_and_up_again(kind: str) -> None:
    connect = servers.database(kind)
    assert mysql_schema.migrate(connect) == ("", mysql.REVISION)
    first = shape(kind, connect)
    assert mysql_schema.migrate(connect) == (mysql.REVISION, mysql.REVISION)
    assert mysql_schema.migrate(connect, mysql_schema.NOTHING) == (mysql.REVISION, "")
    assert {row[0] for row in shape(kind, connect)} == {"workbench_schema"}
    assert mysql_schema.migrate(connect) == ("", mysql.REVISION)
    assert shape(kind, connect) == first


def test_sql_for_a_dba_makes_the_same_schema(kind: str, connect: mysql_engine.Connect) -> None:
    other = servers.database(kind)
    schema = other.url.rpartition("/")[2]
    lines = [line for line in mysql_schema.sql(kind.removesuffix("84")).splitlines() if not line.startswith("--")]  # type: ignore[arg-type]
    servers.sql(kind, *filter(str.strip, "\n".join(lines).split(";")), schema=schema)
    assert shape(kind, other) == shape(kind, connect)
    assert mysql_schema.migrate(other) == (mysql.REVISION, mysql.REVISION)
    down = [line for line in mysql_schema.sql(kind, "base", mysql.REVISION).splitlines() if not line.startswith("--")]  # type: ignore[arg-type]
    servers.sql(kind, *filter(str.strip, "\n".join(down).split(";")), schema=schema)
    assert {row[0] for row in shape(kind, other)} == {"workbench_schema"}


def test_migration_that_was_cut_off_is_finished_by_the_next(kind: str, connect: mysql_engine.Connect) -> None:
    """A server cannot take DDL back: some tables are there already, and nothing says so."""
    schema = connect.url.rpartition("/")[2]
    whole = shape(kind, connect)
    servers.sql(kind, "DELETE FROM workbench_schema", "DROP TABLE imports, data_version", schema=schema)
    assert mysql_schema.migrate(connect) == ("", mysql.REVISION)
    assert shape(kind, connect) == whole


def test_names_fit_their_indexes_at_full_length(store: mysql.MySQLStore) -> None:
    """A hundred characters of four bytes in every column of the widest index."""
    long = "😀" * 100
    row = incident(long, "2025-01-01", 5, names=long, fixed_by=long, project=long) | {
        "charged_to": long,
        "link_rule": "named",
    }
    store.write(long, NOTHING, State(table([row]), FEATURES.empty_table(), IMPORTS.empty_table()))
    assert store.read([long]).facts.to_pylist() == table([row]).to_pylist()


@pytest.fixture
def filled(store: mysql.MySQLStore, kind: str, connect: mysql_engine.Connect) -> mysql.MySQLStore:
    """Three projects over a year: 24 changes and 3 incidents a day, so that reading a window and reading all differ."""
    for project in ("a", "b", "c"):
        rows = []
        for n in range(365 * 6):
            at = START + timedelta(hours=4 * n)
            rows += [shipped(f"{n}-{m}", f"d{n}", at, n % 997, project=project) for m in range(4)]
            if n % 2:
                rows.append(
                    incident(f"i{n}", at, n % 97, project=project)
                    | {"charged_to": f"d{n}", "link_rule": "time", "fixed_by": f"d{n + 1}"}
                )
        state = State(table(rows), FEATURES.empty_table(), IMPORTS.empty_table())
        store.write(project, NOTHING, state)
    servers.sql(kind, "ANALYZE TABLE dora_metrics", schema=connect.url.rpartition("/")[2])
    return store


def parameters(query: queries.Query, projects: list[str]) -> dict[str, object]:
    """A month, as the dashboard would ask for it."""
    since, until = START + timedelta(days=200), START + timedelta(days=228)
    days = [(n, since + timedelta(days=n), since + timedelta(days=n + 1)) for n in range(28)]
    weeks = [(n, since + timedelta(days=7 * n), since + timedelta(days=7 * n + 7)) for n in range(4)]
    values: dict[str, object] = {
        "projects": projects,
        "pooled": 0,
        "since": since,
        "until": until,
        "settled_before": until,
        "spans": queries.spans([(4, since, until), *weeks]),
        "days": queries.spans(days, [n // 7 for n in range(28)]),
    }
    return {parameter.name: values[parameter.name] for parameter in query.parameters}


@pytest.mark.parametrize(
    "projects", [["b"], ["a", "b"], ["a", "b", "c"]], ids=["one project", "two projects", "all projects"]
)
@pytest.mark.parametrize("name", READS)
def test_dashboard_question_is_a_covering_index_range(
    filled: mysql.MySQLStore, kind: str, name: str, projects: list[str]
) -> None:
    """Every access to the facts is one range of an index that holds all it needs; no row of the table is looked up."""
    explain = "EXPLAIN" if kind == "mariadb" else "EXPLAIN FORMAT=TRADITIONAL"
    query = queries.get(name)
    sql, values = query.bind(parameters(query, projects))
    with filled.reader.connect() as connection:
        result = connection.exec_driver_sql(f"{explain} {mysql.driver_text(sql)}", values)
        steps = [dict(zip(result.keys(), map(as_text, row), strict=True)) for row in result.cursor.fetchall()]
    facts = [step for step in steps if not step["table"].startswith("<") and "Table function" not in step["Extra"]]
    assert sorted(step["key"] for step in facts) == READS[name], steps
    for step in facts:
        assert step["type"] in ("range", "ref"), step
        assert "Using index" in step["Extra"].replace("Using index condition", ""), step


def as_text(cell: object) -> str:
    """A cell of EXPLAIN."""
    return cell.decode() if isinstance(cell, bytes) else "" if cell is None else str(cell)


def test_cost_of_the_dashboard_follows_the_window(filled: mysql.MySQLStore) -> None:
    """Rows read, as the server counts them: those of the window, not those of the project's history."""
    reads = "SHOW SESSION STATUS LIKE 'Handler_read%%'"
    in_window = 28 * (24 + 3)
    for name in READS:
        query = queries.get(name)
        sql, values = query.bind(parameters(query, ["b"]))
        with filled.reader.connect() as connection:
            before = counts(connection.exec_driver_sql(reads).cursor.fetchall())
            connection.exec_driver_sql(mysql.driver_text(sql), values).cursor.fetchall()
            after = counts(connection.exec_driver_sql(reads).cursor.fetchall())
        read = after["Handler_read_next"] - before["Handler_read_next"]
        # beside the window's rows: a few times as many of its own temporary tables, and all incidents, because they may
        # fail a deployment whenever they began; the history has 13 such windows
        assert 0 < read < 5 * in_window, f"{name} read {read} index entries; the window has {in_window} rows"


def counts(rows: Iterable[Sequence[object]]) -> dict[str, int]:
    """SHOW STATUS as numbers."""
    return {as_text(name): int(as_text(value)) for name, value in rows}
