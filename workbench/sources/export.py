"""An existing ``dora_metrics`` table, exported as CSV, JSON Lines or Parquet.

Taken are the columns that such tables have had: ``id, cycle_id, feature_id, phase_name, decision, duration_seconds,
metadata, created_at``, with or without ``project``, and of the workbench's own table also ``fixed_by`` and
``updated_at``. What links incidents to deployments (``charged_to``, ``link_rule``) is worked out anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import SourceError
from workbench.model import zone as zone_named
from workbench.rows import FACT_KEY, NAME_LENGTH, Extract
from workbench.sources.events_columns import Names, find
from workbench.sources.events_rows import timed
from workbench.sources.events_settle import Meaning, extract
from workbench.sources.table import Opened, open_records
from workbench.sources.table_sql import query

NAMES_NO_DEPLOYMENT: Final = "names_no_deployment"
"""Metadata key of an incident whose cycle_id is no deployment's: a table in which every row is a cycle of its own."""

_REQUIRED: Final = ("cycle_id", "feature_id", "phase_name", "decision", "created_at")
_OPTIONAL: Final = ("project", "duration_seconds", "metadata", "fixed_by", "updated_at")
_COLUMNS: Final[Names] = dict.fromkeys((*_REQUIRED, *_OPTIONAL), ())
_OWN: Final[Names] = {"charged_to": (), "link_rule": ()}
_UNUSED: Final = ("id", "source")
_TIMES: Final = ("created_at", "updated_at")
_NULLS: Final = (r"\N", "NULL")
"""How exports of MySQL spell null, besides an empty value."""

_CANDIDATES: Final = f"""
    WITH spelled AS (
        SELECT * REPLACE (
            coalesce(CASE WHEN trim(project) <> '' THEN project END, $project) AS project,
            coalesce(cycle_id, '') AS cycle_id, coalesce(feature_id, '') AS feature_id,
            lower(trim(phase_name)) AS phase_name, lower(translate(trim(decision), ' _', '--')) AS decision,
            TRY_CAST(duration_seconds AS DECIMAL(12, 2)) AS duration_seconds),
        duration_seconds AS written_duration, phase_name AS written_phase, decision AS written_decision
        FROM file),
    judged AS (
        SELECT *, CASE
            WHEN length(project) > {NAME_LENGTH} THEN 'project is longer than {NAME_LENGTH} characters'
            WHEN phase_name IS NULL THEN 'phase_name is missing'
            WHEN phase_name NOT IN ('planning', 'testing', 'deployment', 'maintenance')
                THEN 'unknown phase_name: ' || left(written_phase, 50)
            WHEN decision IS NULL THEN 'decision is missing'
            WHEN decision NOT IN ('go', 'rework', 'no-go', 'review', 'blocked', 'open', 'fixed')
                THEN 'unknown decision: ' || left(written_decision, 50)
            WHEN (phase_name = 'maintenance') <> (decision IN ('open', 'fixed'))
                THEN 'decision ' || decision || ' does not fit the phase ' || phase_name
            WHEN trim(cycle_id) = '' AND (phase_name <> 'maintenance' OR trim(feature_id) = '')
                THEN 'cycle_id is missing'
            WHEN created_at_why IS NOT NULL THEN 'created_at ' || created_at_why
            WHEN created_at IS NULL THEN 'created_at is missing'
            WHEN updated_at_why IS NOT NULL THEN 'updated_at ' || updated_at_why
            WHEN written_duration IS NOT NULL AND duration_seconds IS NULL
                THEN 'duration_seconds is not a number below 10,000,000,000'
            WHEN duration_seconds < 0 AND phase_name <> 'deployment' THEN 'duration_seconds is negative'
            WHEN length(cycle_id) > {NAME_LENGTH} THEN 'cycle_id is longer than {NAME_LENGTH} characters'
            WHEN length(feature_id) > {NAME_LENGTH} THEN 'feature_id is longer than {NAME_LENGTH} characters'
            WHEN length(fixed_by) > {NAME_LENGTH} THEN 'fixed_by is longer than {NAME_LENGTH} characters'
            END AS reason
        FROM spelled),
    remarked AS (
        SELECT *, CASE
            WHEN duration_seconds < 0 THEN '{{"no_lead_time": "negative"}}'
            WHEN $own_cycles AND phase_name = 'maintenance' AND cycle_id <> '' AND (project, cycle_id) NOT IN (
                SELECT (project, cycle_id) FROM judged WHERE phase_name = 'deployment' AND reason IS NULL)
                THEN '{{"{NAMES_NO_DEPLOYMENT}": true}}' END AS remark
        FROM judged)
    SELECT project, cycle_id, feature_id, phase_name, decision, fixed_by, updated_at, created_at, reason, line, row,
        CASE WHEN duration_seconds >= 0 THEN duration_seconds END AS duration_seconds,
        CASE WHEN remark IS NULL THEN metadata WHEN metadata IS NULL THEN remark
            ELSE json_merge_patch(metadata, remark)::VARCHAR END AS metadata,
        CAST(NULL AS VARCHAR) AS title, CAST(NULL AS VARCHAR) AS author, CAST(NULL AS VARCHAR) AS team,
        CAST(NULL AS VARCHAR) AS url, least(created_at, updated_at) AS first_time,
        greatest(created_at, updated_at) AS last_time, false AS substitute, false AS elsewhere
    FROM remarked
"""  # noqa: S608 - put together from constants


def looks_like_export(columns: Sequence[str]) -> bool:
    """Whether a file with these columns is an export of dora_metrics."""
    found = find(_COLUMNS, columns)
    return all(found[name] for name in _REQUIRED)


def read(path: Path, *, project: str | None = None, zone: str = "UTC") -> Extract:
    """The rows of an export.

    Args:
        project: of rows that name none; None: the file's name without its endings.
        zone: of times without an offset.

    Raises:
        SourceError: it cannot be read, or is no export.
        ParameterError: there is no such zone.
    """
    zone_named(zone)
    return extract_from(open_records(path), project, zone, None)


def from_table(table: pa.Table, project: str) -> Extract:
    """The rows of a dora_metrics table as a server gave them (every column text, times in UTC), for one project."""
    from pyarrow import parquet

    from workbench.sources.table_parquet import ParquetRecords

    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="none")
    content = sink.getvalue().to_pybytes()
    return extract_from(Opened("dora_metrics", content, ParquetRecords(content)), project, "UTC", None)


def extract_from(opened: Opened, project: str | None, zone: str, covers: tuple[datetime, datetime] | None) -> Extract:
    """The rows of an export that is open already; see :func:`read`."""
    names = opened.records.names
    columns = find(_COLUMNS, names)
    lacking = [name for name in _REQUIRED if not columns[name]]
    if lacking:
        raise SourceError(
            f"{opened.origin} is no export of dora_metrics: it has no column {lacking[0]}.",
            f"It needs {', '.join(_REQUIRED)}.",
        )
    table = timed(opened.records, columns, _TIMES, zone, nulls=_NULLS)
    table = table.set_column(table.column_names.index("metadata"), "metadata", _as_json(table["metadata"]))
    stem = opened.origin.split(".")[0] or opened.origin
    own_cycles = not any(find(_OWN, names).values())
    rows = query(_CANDIDATES, {"project": project or stem, "own_cycles": own_cycles}, file=table)
    ignored = [name for name in names if name not in columns.values() and name.lower() not in (*_OWN, *_UNUSED)]
    notes: dict[str, int | str] = {"knows_failures": 1, **({"ignored_columns": ", ".join(ignored)} if ignored else {})}
    meaning = Meaning("export", FACT_KEY[1:], project, covers, notes)
    return extract(opened, rows, meaning, opened.digest("export", project or stem, zone, covers))


def _as_json(column: Any) -> Any:
    """JSON objects as they are; anything else as an object that holds the text, so that remarks can be added."""
    checked = query(
        r"""
        SELECT written, CASE WHEN json_valid(written) THEN json_type(written) = 'OBJECT' ELSE false END AS valid,
            regexp_matches(written, '(?i)nan|inf|,\s*[\]}]') AS doubtful
        FROM file
        """,
        file=pa.table({"written": column}),
    )
    doubtful = checked.filter(pc.and_(checked["valid"], checked["doubtful"]))["written"].unique().to_pylist()
    wrong = pa.array([text for text in doubtful if not _strict_json(text)], pa.string())
    valid = pc.and_(checked["valid"], pc.invert(pc.is_in(checked["written"], value_set=wrong)))
    return query(
        """
        SELECT CASE WHEN valid OR written IS NULL THEN written
            ELSE json_object('text', written)::VARCHAR END AS metadata
        FROM file
        """,
        file=pa.table({"written": checked["written"], "valid": valid}),
    )["metadata"]


def _strict_json(text: str) -> bool:
    """Whether it is JSON to a server too: the engine's own check lets NaN and a last comma pass."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True
