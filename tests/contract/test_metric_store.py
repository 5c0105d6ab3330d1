"""What every metric store must do, whatever is behind it."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.facts import PROJECT, deployment, extract, incident, load, load_rows, shipped
from workbench.errors import ParameterError
from workbench.metrics import ingest, queries
from workbench.metrics.protocol import MetricStore
from workbench.rows import FACTS, FEATURES, IMPORTS

STRANGE_NAMES = [
    "plain",
    "Plain",
    "plain ",
    " plain",
    "team/shop",
    "..",
    "../../etc/passwd",
    'it\'s "quoted"; DROP TABLE x',
    "naïve – 日本語 🚀",
    "nai\u0308ve – 日本語 🚀",
    "x" * 100,
    "x" * 99 + "y",
    "a\\b",
    "per%cent_",
    "<script>alert(1)</script>",
    "new\nline",
]


def counts(store: MetricStore, *projects: str) -> dict[str, int]:
    answer = store.query(queries.get("projects"), {"projects": list(projects)})
    return {one["project"]: one["deployments"] for one in answer.to_pylist()}


def test_empty_store_answers_every_query_with_its_columns(store: MetricStore) -> None:
    """No rows are an answer; the columns and types are those of the header."""
    examples: dict[str, Any] = {
        "text": "", "integer": 1, "decimal": 1, "datetime": datetime(2025, 1, 1), "text[]": ["nobody"], "json": "[]",
        "spans": queries.spans([]),
    }  # fmt: skip
    for query in queries.load().values():
        answer = store.query(query, {one.name: examples[one.type] for one in query.parameters})
        assert answer.num_rows == 0, query.name
        assert answer.schema.equals(query.arrow_schema()), query.name


def test_empty_list_of_projects_finds_nothing(store: MetricStore, tmp_path: Path) -> None:
    load_rows(store, [deployment("d", "2025-01-01")], tmp_path)
    assert counts(store) == {}


def test_new_store_is_empty(store: MetricStore) -> None:
    assert store.projects() == ()
    assert store.read(["nobody"]).facts.num_rows == 0


def test_what_is_written_is_read_back_to_the_last_digit(store: MetricStore, tmp_path: Path) -> None:
    rows = [
        shipped("c", "d", "2025-01-01 10:00:00.000001", "9999999999.99", metadata='{"a": "ü"}'),
        shipped("e", "d", "2025-01-01 10:00:00.000001", "0.01", updated="1970-01-01 00:00:00.5"),
        incident("i", "2262-01-01 23:59:59.999999", names="d"),
    ]
    features = [
        {"feature_id": "c", "title": "Ein 'Titel' 🚀\n", "author": "A", "team": None, "url": "https://x/?a=1&b=2"}
    ]
    load(store, [extract("git", rows[:2], features=features), extract("incidents", rows[2:])], tmp_path)
    state = store.read([PROJECT])
    assert (state.facts.schema, state.features.schema, state.imports.schema) == (FACTS, FEATURES, IMPORTS)
    found = {one["feature_id"]: one for one in state.facts.to_pylist()}
    for row in rows:
        mine = found[row["feature_id"]]
        assert {name: mine[name] for name in row if name != "metadata"} == {
            k: v for k, v in row.items() if k != "metadata"
        }
    assert state.features.to_pylist() == [{**features[0], "project": PROJECT, "source": "git", "updated_at": None}]


def test_strange_names_are_projects_of_their_own(store: MetricStore, tmp_path: Path) -> None:
    """Case, trailing spaces and Unicode forms keep names apart, and none of them reaches another place."""
    rows = [deployment(f"d{n}", "2025-01-01", project=name) for name, n in zip(STRANGE_NAMES, range(99), strict=False)]
    load_rows(store, rows, tmp_path)
    assert set(store.projects()) == set(STRANGE_NAMES)
    assert counts(store, *STRANGE_NAMES) == dict.fromkeys(STRANGE_NAMES, 1)
    for name, row in zip(STRANGE_NAMES, rows, strict=True):
        assert store.read([name]).facts["cycle_id"].to_pylist() == [row["cycle_id"]]
    ingest.remove(store, "plain", link_hours=168)
    assert set(store.projects()) == set(STRANGE_NAMES) - {"plain"}


def test_projects_are_sorted_byte_by_byte(store: MetricStore, tmp_path: Path) -> None:
    load_rows(store, [deployment("d", "2025-01-01", project=name) for name in ("b", "a", "B", "ä")], tmp_path)
    assert store.projects() == ("B", "a", "b", "ä")


def test_version_changes_with_every_write_and_only_then(store: MetricStore, tmp_path: Path) -> None:
    versions = [store.version()]
    for number in range(3):
        load_rows(store, [deployment(f"d{number}", "2025-01-01")], tmp_path)
        versions.append(store.version())
    assert len(set(versions)) == 4
    assert store.version() == versions[-1]


def test_an_open_store_sees_what_another_import_replaced(store: MetricStore, tmp_path: Path) -> None:
    """Same number of rows, same lengths: nothing old may come out of a cache."""
    for day in range(1, 8):
        load(store, [extract("git", [shipped("c", "d", f"2025-01-0{day}", 60)])], tmp_path)
        answer = store.query(queries.get("projects"), {"projects": [PROJECT]})
        assert answer["first_deployment"].to_pylist() == [datetime(2025, 1, day)]


def test_wrong_parameters_are_refused(store: MetricStore) -> None:
    query = queries.get("projects")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "needs projects"),
        ({"projects": ["a"], "x": 1}, "no parameter x"),
        ({"projects": "a"}, "must be text"),
        ({"projects": [1]}, "must be text"),
    ]
    for given, says in wrong:
        with pytest.raises(ParameterError, match=says):
            store.query(query, given)


def test_outside_text_in_parameters_is_only_data(store: MetricStore, tmp_path: Path) -> None:
    load_rows(store, [deployment("d", "2025-01-01")], tmp_path)
    assert counts(store, "') OR 1 = 1 --", PROJECT + "'; DROP TABLE dora_metrics; --", "$projects_0") == {}
    assert counts(store, PROJECT) == {PROJECT: 1}


def test_threads_may_share_a_store(store: MetricStore, tmp_path: Path) -> None:
    load_rows(store, [deployment(f"d{n}", "2025-01-01", project=f"p{n % 12}") for n in range(60)], tmp_path)
    failed: list[BaseException] = []

    def ask(number: int) -> None:
        try:
            for step in range(10):
                name = f"p{(number + step) % 12}"
                assert counts(store, name) == {name: 5}
        except BaseException as error:  # told to the main thread
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_description_names_the_store_and_no_secret(store: MetricStore) -> None:
    told = store.describe()
    assert set(told) >= {"store", "location", "version"}
    assert "password" not in str(told).lower()


def test_a_lock_is_let_go_when_the_work_fails(store: MetricStore, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), store.lock([PROJECT]):
        raise RuntimeError
    load_rows(store, [deployment("d", "2025-01-01")], tmp_path)
    assert store.projects() == (PROJECT,)


def test_empty_import_is_kept_as_what_is_known(store: MetricStore, tmp_path: Path) -> None:
    """No incidents in a month is knowledge; the project exists without a row."""
    load(store, [extract("incidents", [], ("2025-01-01", "2025-02-01"))], tmp_path)
    assert store.projects() == (PROJECT,)
    answer = store.query(queries.get("coverage"), {"projects": [PROJECT]})
    assert answer.select(["source", "imported_rows"]).to_pylist() == [{"source": "incidents", "imported_rows": 0}]
    assert isinstance(store.read([PROJECT]).facts, pa.Table)
