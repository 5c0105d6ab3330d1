"""Adopting the table of a Django application: no row is lost or renumbered, however often it is cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests import django_table, servers
from tests.facts import LINK_HOURS, NOW, deployment, extract, load
from tests.integration.test_mysql_django import PROJECT, answers
from workbench.errors import StoreError
from workbench.metrics import ingest, mysql_adopt, mysql_engine, mysql_schema
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.mysql import MySQLStore
from workbench.rows import Extract
from workbench.sources import export

STEPS = 6


@pytest.fixture
def table(kind: str) -> mysql_engine.Connect:
    """A database with the application's table."""
    return django_table.create(kind, django_table.made_rows())


def adopt(table: mysql_engine.Connect, folder: Path, **options: Any) -> mysql_adopt.Adoption:
    return mysql_adopt.adopt(
        table,
        export.from_table,
        **{"project": PROJECT, "link_hours": LINK_HOURS, "rejects_folder": folder, **options},
    )


def kept(kind: str, table: mysql_engine.Connect) -> list[tuple[str | None, ...]]:
    """What must not change in any row. Spelling apart, decisions are the same too."""
    columns = "id, cycle_id, feature_id, LOWER(phase_name), REPLACE(LOWER(decision), '_', '-'), created_at"
    return servers.sql(kind, f"SELECT {columns} FROM dora_metrics ORDER BY id", schema=schema(table))


def schema(table: mysql_engine.Connect) -> str:
    return table.url.rpartition("/")[2]


def shape(kind: str, table: mysql_engine.Connect) -> list[list[tuple[str | None, ...]]]:
    """Columns (in no order; the application's id keeps its type) and indexes of every table."""
    columns = "table_name, column_name, IF(column_name = 'id', '', column_type), is_nullable, collation_name"
    keys = "table_name, index_name, seq_in_index, column_name, non_unique"
    return [
        servers.sql(
            kind,
            f"SELECT {what} FROM information_schema.{where} WHERE table_schema = '{schema(table)}' ORDER BY 1, 2, 3",
        )
        for what, where in ((columns, "columns"), (keys, "statistics"))
    ]


def stored(store: Any) -> list[dict[str, Any]]:
    """Facts by key; metadata apart, as a server may write its JSON with other spaces."""
    rows: list[dict[str, Any]] = store.read([PROJECT]).facts.drop_columns(["metadata"]).to_pylist()
    return sorted(rows, key=lambda row: str(row["cycle_id"]))


def test_schema_rows_and_figures(kind: str, table: mysql_engine.Connect, tmp_path: Path) -> None:
    """Afterwards the database is like a new one into which an export of the table was imported."""
    embedded = EmbeddedStore(tmp_path / "embedded")
    load(embedded, [export.read(django_table.export(kind, table, tmp_path / "x.csv"), project=PROJECT)], tmp_path)
    before = kept(kind, table)
    done = adopt(table, tmp_path)
    assert kept(kind, table) == before
    fresh = servers.database(kind)
    mysql_schema.migrate(fresh)
    assert shape(kind, table) == shape(kind, fresh)
    store = MySQLStore(table)
    assert store.projects() == (PROJECT,)
    assert stored(store) == stored(embedded)
    found, wanted = answers(store), answers(embedded)
    assert [answer.figures for answer in found] == [answer.figures for answer in wanted]
    assert [answer.trend for answer in found] == [answer.trend for answer in wanted]
    assert done.rows.rejected == 0
    assert dict(done.steps)["add columns"] == "INSTANT"
    assert dict(done.steps)["set indexes"] == "INPLACE"
    store.close()


@pytest.mark.parametrize("step", range(STEPS))
def test_a_run_that_was_cut_off_is_run_again(kind: str, table: mysql_engine.Connect, tmp_path: Path, step: int) -> None:
    """Before each step; meanwhile the application writes on, and the plain migration keeps its hands off."""
    before = kept(kind, table)
    seen: list[str] = []

    def cut(name: str) -> None:
        seen.append(name)
        if len(seen) > step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopt(table, tmp_path, progress=cut)
    assert kept(kind, table) == before
    if step < STEPS - 2:  # the table is not ours yet
        with pytest.raises(StoreError, match="--adopt"):
            mysql_schema.migrate(table)
    late = {**django_table.made_rows(1)[0], "id": 9_000_000, "cycle_id": "late"}
    django_table.insert(kind, table, [late])
    before = kept(kind, table)
    adopt(table, tmp_path)
    assert kept(kind, table) == before
    whole = servers.database(kind)
    mysql_schema.migrate(whole)
    assert shape(kind, table) == shape(kind, whole)
    other = django_table.create(kind, [*django_table.made_rows(), late])
    adopt(other, tmp_path)
    assert stored(MySQLStore(table)) == stored(MySQLStore(other))


def test_every_step_is_cut_off_once(table: mysql_engine.Connect, tmp_path: Path) -> None:
    seen: list[str] = []
    adopt(table, tmp_path, progress=seen.append)
    assert len(seen) == STEPS, seen


def test_the_application_writes_on_and_the_next_run_links_it(
    kind: str, table: mysql_engine.Connect, tmp_path: Path
) -> None:
    adopt(table, tmp_path)
    rows = django_table.made_rows(1)[0]
    fresh = {"phase_name": "maintenance", "decision": "open", "duration_seconds": None, "metadata": None}
    django_table.insert(kind, table, [{**rows, **fresh, "id": 9_000_000, "cycle_id": "late"}])
    adopt(table, tmp_path)
    [late] = [row for row in stored(MySQLStore(table)) if row["cycle_id"] == "late"]
    assert (late["project"], late["source"]) == (PROJECT, "export")
    assert late["link_rule"] in ("time", "none")
    again = adopt(table, tmp_path)
    assert (again.steps, again.rows.added, again.rows.changed, again.rows.removed) == ((), 0, 0, 0)


def test_what_the_application_adds_while_incidents_are_linked_stays(
    kind: str, table: mysql_engine.Connect, tmp_path: Path
) -> None:
    """After the rows were read and before they are written: nothing is taken for gone, no decision is set back."""
    late = {**django_table.made_rows(1)[0], "id": 9_000_000, "cycle_id": "late"}
    looks = 0

    def reader(rows: pa.Table, project: str) -> Extract:
        nonlocal looks
        looks += 1
        if looks == 2:
            django_table.insert(kind, table, [late])
            servers.sql(kind, "UPDATE dora_metrics SET decision = 'review'", schema=schema(table))
        return export.from_table(rows, project)

    mysql_adopt.adopt(table, reader, project=PROJECT, link_hours=LINK_HOURS, rejects_folder=tmp_path)
    assert looks == 2
    after = kept(kind, table)
    assert "late" in [row[1] for row in after]
    assert {row[4] for row in after} == {"review"}


def test_imports_go_on_beside_the_adopted_rows(kind: str, table: mysql_engine.Connect, tmp_path: Path) -> None:
    adopt(table, tmp_path)
    before = kept(kind, table)
    store = MySQLStore(table)
    load(store, [extract("deployments", [deployment("new", "2025-01-05")])], tmp_path, now=NOW)
    assert set(before) < set(kept(kind, table))
    assert len(kept(kind, table)) == len(before) + 1
    store.close()


def test_a_row_that_another_source_knows_better_is_not_forgotten(table: mysql_engine.Connect, tmp_path: Path) -> None:
    """It stands back behind a deployments file's, also when the adoption is run again, and comes back without it."""
    adopt(table, tmp_path)
    store = MySQLStore(table)
    before = stored(store)
    one = next(row for row in before if row["phase_name"] == "deployment")
    rival = deployment(one["cycle_id"], one["created_at"], "no-go") | {"feature_id": one["feature_id"]}
    load(store, [extract("deployments", [rival])], tmp_path)
    assert {row["source"] for row in stored(store)} == {"export", "deployments"}
    adopt(table, tmp_path)
    ingest.remove(store, PROJECT, source="deployments", link_hours=LINK_HOURS)
    assert stored(store) == before
    store.close()


def test_an_empty_table(kind: str, tmp_path: Path) -> None:
    table = django_table.create(kind, [])
    adopt(table, tmp_path)
    django_table.insert(kind, table, django_table.made_rows(9))
    adopt(table, tmp_path)
    assert MySQLStore(table).projects() == (PROJECT,)


def test_other_types_that_an_application_may_have(kind: str, table: mysql_engine.Connect, tmp_path: Path) -> None:
    """Text that is no JSON, whole numbers, times as TIMESTAMP, longer columns, features that may be missing."""
    servers.sql(
        kind,
        "ALTER TABLE dora_metrics MODIFY metadata LONGTEXT NULL, MODIFY duration_seconds INT NULL, "
        "MODIFY created_at TIMESTAMP(6) NOT NULL, MODIFY cycle_id VARCHAR(255) NOT NULL, "
        "MODIFY feature_id VARCHAR(255) NULL, MODIFY id INT UNSIGNED NOT NULL AUTO_INCREMENT",
        "UPDATE dora_metrics SET metadata = 'by hand' WHERE id % 2 = 0",
        "UPDATE dora_metrics SET feature_id = NULL WHERE id % 5 = 0",
        schema=schema(table),
    )
    embedded = EmbeddedStore(tmp_path / "embedded")
    load(embedded, [export.read(django_table.export(kind, table, tmp_path / "x.csv"), project=PROJECT)], tmp_path)
    adopt(table, tmp_path)
    assert stored(MySQLStore(table)) == stored(embedded)
    fresh = servers.database(kind)
    mysql_schema.migrate(fresh)
    assert shape(kind, table) == shape(kind, fresh)


def test_nothing_is_changed_where_a_row_means_nothing(kind: str, table: mysql_engine.Connect, tmp_path: Path) -> None:
    servers.sql(kind, "UPDATE dora_metrics SET decision = 'perhaps' WHERE id = 7", schema=schema(table))
    before = servers.sql(kind, "SHOW CREATE TABLE dora_metrics", schema=schema(table))
    with pytest.raises(StoreError, match="unknown decision: perhaps"):
        adopt(table, tmp_path)
    assert servers.sql(kind, "SHOW CREATE TABLE dora_metrics", schema=schema(table)) == before
    assert servers.sql(kind, "SHOW TABLES", schema=schema(table)) == [("dora_metrics",)]


def test_what_cannot_be_adopted_is_refused(
    kind: str, connect: mysql_engine.Connect, table: mysql_engine.Connect, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="own"):
        adopt(connect, tmp_path)
    with pytest.raises(StoreError, match="no table"):
        adopt(servers.database(kind), tmp_path)
    adopt(table, tmp_path)
    with pytest.raises(StoreError, match="as project 'shop'"):
        adopt(table, tmp_path, project="other")
