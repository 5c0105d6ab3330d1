"""Every query against rows and an answer that were written by hand, on every store.

A case is a folder named like its query, or ``<query>.<case>``: ``rows.csv``, ``features.csv``, ``imports.csv`` go in,
``parameters.json`` is asked, ``expected.csv`` must come out, in this order. In the CSV files an empty cell is null and
``''`` is the empty text. ``notes.md`` says how the answer was worked out, where the rows alone do not show it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.metrics import queries
from workbench.metrics.protocol import MetricStore, State
from workbench.rows import FACTS, FEATURES, IMPORTS

HERE = Path(__file__).parent
CASES = sorted(path.name for path in HERE.iterdir() if (path / "expected.csv").exists())
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "rows": {"feature_id": "", "cycle_id": "", "decision": "go", "source": "git"},
    "features": {"source": "git"},
    "imports": {"origin": "x", "digest": "0", "rows_read": 0, "rejected": 0, "notes": "{}"},
}


def test_every_query_has_a_golden_case() -> None:
    """A query without one is a number that nobody worked out."""
    assert {case.split(".")[0] for case in CASES} == set(queries.load())


@pytest.mark.parametrize("case", CASES)
def test_answer_is_the_one_worked_out_by_hand(case: str, store: MetricStore) -> None:
    """The rows, parameters and answer of one folder."""
    _fill(store, HERE / case)
    query = queries.get(case.split(".")[0])
    answer = store.query(query, _parameters(query, HERE / case))
    assert answer.schema.equals(query.arrow_schema())
    assert answer.to_pylist() == _read(HERE / case / "expected.csv", query.arrow_schema(), {}).to_pylist()


def _fill(store: MetricStore, folder: Path) -> None:
    state = State(
        facts=_read(folder / "rows.csv", FACTS, DEFAULTS["rows"]),
        features=_read(folder / "features.csv", FEATURES, DEFAULTS["features"]),
        imports=_read(folder / "imports.csv", IMPORTS, DEFAULTS["imports"]),
    )
    nothing = State(FACTS.empty_table(), FEATURES.empty_table(), IMPORTS.empty_table())
    projects = {one for part in (state.facts, state.imports) for one in part["project"].to_pylist()}
    with store.lock(sorted(projects)):
        for project in sorted(projects):
            store.write(project, nothing, _of(state, project))


def _of(state: State, project: str) -> State:
    return State(*(_only(part, project) for part in (state.facts, state.features, state.imports)))


def _only(part: pa.Table, project: str) -> pa.Table:
    return pa.Table.from_pylist([one for one in part.to_pylist() if one["project"] == project], part.schema)


def _read(path: Path, schema: pa.Schema, defaults: Mapping[str, Any]) -> pa.Table:
    if not path.exists():
        return schema.empty_table()
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in rows[0] if rows else ():
        assert name in schema.names, f"{path} has a column {name} that nothing reads"
    columns = {}
    for field in schema:
        given = [_cell(one.get(field.name, ""), defaults.get(field.name)) for one in rows]
        columns[field.name] = pa.array(given, pa.string()).cast(field.type)
    return pa.table(columns, schema=schema)


def _cell(text: str, default: Any) -> str | None:
    if text == "''":
        return ""
    return text or (None if default is None else str(default))


def _parameters(query: queries.Query, folder: Path) -> dict[str, Any]:
    given = json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
    kinds = {parameter.name: parameter.type for parameter in query.parameters}
    read: dict[str, Callable[[Any], Any]] = {
        "datetime": datetime.fromisoformat,
        "json": json.dumps,
        "spans": json.dumps,
    }
    return {name: read[kinds[name]](value) if kinds[name] in read else value for name, value in given.items()}
