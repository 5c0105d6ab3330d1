"""The table of a Django application, read as it is: the same figures as from an export, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import django_table, servers
from tests.facts import LINK_HOURS, NOW, extract, load
from workbench import connect as open_bench
from workbench.errors import ConfigurationError, StoreError
from workbench.metrics import mysql_engine, mysql_schema
from workbench.metrics.dora import Measurement, Question, measure
from workbench.metrics.embedded import EmbeddedStore
from workbench.metrics.mysql_django import DjangoStore
from workbench.metrics.protocol import MetricStore
from workbench.model import Window
from workbench.sources import export

PROJECT = "shop"


@pytest.fixture
def table(kind: str) -> mysql_engine.Connect:
    """A database with the application's table."""
    return django_table.create(kind, django_table.made_rows())


@pytest.fixture
def store(table: mysql_engine.Connect, tmp_path: Path) -> Iterator[DjangoStore]:
    made = DjangoStore(table, export.from_table, project=PROJECT, link_hours=LINK_HOURS, rejects_folder=tmp_path)
    yield made
    made.close()


def imported(kind: str, table: mysql_engine.Connect, folder: Path) -> EmbeddedStore:
    """An embedded store into which an export of the table was imported."""
    made = EmbeddedStore(folder / "embedded")
    load(made, [export.read(django_table.export(kind, table, folder / "x.csv"), project=PROJECT)], folder)
    return made


def answers(store: MetricStore) -> list[Measurement]:
    """Windows of all sizes, by day, week and month."""
    spans = [((2025, 1, 1), (2025, 7, 20)), ((2025, 2, 3), (2025, 5, 4)), ((2025, 3, 1), (2025, 3, 8))]
    return [
        measure(
            store,
            Question(
                (PROJECT,),
                Window.between(datetime(*start).date(), datetime(*end).date(), zone),
                bucket=bucket,  # type: ignore[arg-type]
                link_hours=LINK_HOURS,
                now=datetime(2025, 8, 1, tzinfo=UTC),
            ),
        )
        for start, end in spans
        for zone, bucket in (("UTC", "month"), ("America/St_Johns", "week"), ("Asia/Kathmandu", "day"))
    ]


def test_figures_are_those_of_an_imported_export(
    kind: str, table: mysql_engine.Connect, store: DjangoStore, tmp_path: Path
) -> None:
    other = imported(kind, table, tmp_path)
    found, wanted = answers(store), answers(other)
    assert sum(figure.value is not None for answer in wanted for figure in answer.figures) > 30
    assert [answer.figures for answer in found] == [answer.figures for answer in wanted]
    assert [answer.trend for answer in found] == [answer.trend for answer in wanted]
    assert [answer.incidents for answer in found] == [answer.incidents for answer in wanted]
    assert store.projects() == (PROJECT,)
    assert store.read([PROJECT]).facts.equals(other.read([PROJECT]).facts)


def test_a_failure_is_a_no_go_or_an_incident_that_the_time_rule_links(store: DjangoStore) -> None:
    facts = store.read([PROJECT]).facts.to_pylist()
    rules = {row["link_rule"] for row in facts if row["phase_name"] == "maintenance"}
    assert rules == {"time"}, "each incident has a cycle of its own, so it names no deployment"
    assert {row["decision"] for row in facts if row["phase_name"] == "deployment"} >= {"no-go", "go"}


def test_reading_changes_nothing_and_writing_is_refused(
    kind: str, table: mysql_engine.Connect, store: DjangoStore, tmp_path: Path
) -> None:
    schema = table.url.rpartition("/")[2]
    before = servers.sql(kind, "CHECKSUM TABLE dora_metrics", schema=schema)
    layout = servers.sql(kind, "SHOW CREATE TABLE dora_metrics", schema=schema)
    answers(store)
    with pytest.raises(StoreError, match="only read"):
        load(store, [extract("deployments", [], projects=["x"])], tmp_path)
    assert servers.sql(kind, "CHECKSUM TABLE dora_metrics", schema=schema) == before
    assert servers.sql(kind, "SHOW CREATE TABLE dora_metrics", schema=schema) == layout
    assert servers.sql(kind, "SHOW TABLES", schema=schema) == [("dora_metrics",)]


def test_what_the_application_writes_is_seen_with_the_next_look(
    kind: str, table: mysql_engine.Connect, store: DjangoStore, tmp_path: Path
) -> None:
    schema = table.url.rpartition("/")[2]
    version, copy = store.version(), store._current()
    assert store._current() is copy, "it was read twice"
    fixed = "UPDATE dora_metrics SET decision = 'fixed', duration_seconds = 60 WHERE LOWER(decision) = 'open'"
    servers.sql(kind, fixed, "DELETE FROM dora_metrics WHERE id = 7", schema=schema)
    store._check_at = 0.0
    assert store.version() != version
    assert store.read([PROJECT]).facts.equals(imported(kind, table, tmp_path).read([PROJECT]).facts)


def test_an_empty_table_has_no_project(kind: str, table: mysql_engine.Connect, store: DjangoStore) -> None:
    servers.sql(kind, "DELETE FROM dora_metrics", schema=table.url.rpartition("/")[2])
    assert store.projects() == ()


def test_a_row_that_means_nothing_is_left_out_with_its_reason(
    kind: str, table: mysql_engine.Connect, store: DjangoStore, tmp_path: Path
) -> None:
    servers.sql(kind, "UPDATE dora_metrics SET decision = 'perhaps' WHERE id = 7", schema=table.url.rpartition("/")[2])
    assert store.read([PROJECT]).facts.num_rows == 399
    [file] = tmp_path.glob("*.rejects.csv")
    assert "unknown decision: perhaps" in file.read_text()


def test_settings_open_the_table(table: mysql_engine.Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bench = open_bench(data=tmp_path, metrics_url=table.url, legacy_project="Our shop")
    assert list(bench.projects()["project"]) == ["Our shop"]
    figures = bench.dora(start="2025-01-01", end="2025-07-20", now=NOW).figures
    assert figures["value"].notna().any()


def test_another_table_is_refused_with_the_remedy(kind: str, connect: mysql_engine.Connect, tmp_path: Path) -> None:
    def opened(where: mysql_engine.Connect) -> DjangoStore:
        return DjangoStore(where, export.from_table, project=PROJECT, link_hours=LINK_HOURS, rejects_folder=tmp_path)

    with pytest.raises(ConfigurationError, match="LEGACY_PROJECT"):
        opened(connect).projects()
    empty = servers.database(kind)
    with pytest.raises(StoreError, match="no table"):
        opened(empty).projects()
    servers.sql(kind, "CREATE TABLE dora_metrics (id INT)", schema=empty.url.rpartition("/")[2])
    with pytest.raises(StoreError, match="no column cycle_id"):
        opened(empty).projects()


def test_migration_leaves_the_table_alone(kind: str, table: mysql_engine.Connect) -> None:
    """Else the database would say that it has a schema that it has not."""
    schema = table.url.rpartition("/")[2]
    with pytest.raises(StoreError, match="--adopt"):
        mysql_schema.migrate(table)
    assert servers.sql(kind, "SHOW TABLES", schema=schema) == [("dora_metrics",)]
