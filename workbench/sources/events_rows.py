"""From the columns of an events file to candidate rows: what each record says, or why it is refused.

A candidate is a fact, the names shown with it, the earliest and latest time it mentions, and either a reason (it is
refused) or none. ``substitute``: its start is a committed time for want of an authored one. ``elsewhere``: it went to
no production environment. Whether candidates agree with each other is settled in ``events_settle``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from workbench.rows import NAME_LENGTH
from workbench.sources.events_columns import LAYOUTS, Kind
from workbench.sources.events_times import parse
from workbench.sources.table import Records
from workbench.sources.table_sql import query

PRODUCTION: Final = ("production", "prod", "live")
SUCCEEDED: Final = (
    "success",
    "succeeded",
    "successful",
    "ok",
    "passed",
    "finished",
    "complete",
    "completed",
    "deployed",
    "done",
)
FAILED: Final = ("failure", "failed", "error", "errored", "rolled_back", "rollback", "reverted", "broken")
UNFINISHED: Final = (
    "cancelled",
    "canceled",
    "aborted",
    "skipped",
    "in_progress",
    "pending",
    "queued",
    "running",
    "waiting",
    "started",
    "created",
    "scheduled",
)
OPEN: Final = (
    "open",
    "ongoing",
    "new",
    "triggered",
    "acknowledged",
    "investigating",
    "identified",
    "monitoring",
    "in_progress",
)
FIXED: Final = ("fixed", "resolved", "closed", "done", "recovered")

_NO_DURATION: Final = "CAST(NULL AS DECIMAL(12, 2)) AS duration_seconds"
_NO_FIX: Final = "CAST(NULL AS VARCHAR) AS fixed_by"


def timed(
    records: Records,
    columns: Mapping[str, str | None],
    times: tuple[str, ...],
    zone: str | None,
    nulls: tuple[str, ...] = (),
) -> pa.Table:
    """The columns of the records: ``times`` in naive UTC, with the reason of a refused one in ``<name>_why``; the rest
    as text; and ``line`` and ``row``. ``nulls``: what stands for no value, besides the empty text."""
    written = records.select(columns)
    if nulls:
        written = query(f"SELECT {', '.join(_but(name, nulls) for name in columns)} FROM file", file=written)  # noqa: S608
    texts = [name for name in columns if name not in times]
    read: dict[str, Any] = {name: written[name].cast(pa.string()) for name in texts}
    for name, (moments, refusals) in parse({name: written[name] for name in times}, zone).items():
        read[name], read[f"{name}_why"] = moments, refusals
    rows = pa.array(range(len(records.lines)), pa.int64())
    return pa.table({**read, "line": pa.array(records.lines), "row": rows})


def candidates(
    kind: Kind, records: Records, columns: Mapping[str, str | None], project: str | None, zone: str | None
) -> pa.Table:
    """The candidate rows of a file of that kind; ``project`` is for records that name none."""
    table = timed(records, columns, LAYOUTS[kind].times, zone)
    made = {"deployments": _deployments, "changes": _changes, "incidents": _incidents}[kind](columns)
    return query(made, {"default_project": project}, file=table)


def _deployments(columns: Mapping[str, str | None]) -> str:
    elsewhere = _not_in("environment", PRODUCTION) if columns["environment"] else "false"
    known = [name for name in ("decision", "status") if columns[name]]
    said = f"coalesce({', '.join(known)})" if known else "'go'"
    decision = (
        f"CASE WHEN state IN {_list(SUCCEEDED)} THEN 'go' WHEN state IN {_list(FAILED)} THEN 'no-go' "
        "WHEN state IN ('go', 'rework', 'no_go') THEN replace(state, '_', '-') END"
    )
    refusals = [
        *_missing("id", "deployed_at"),
        ("said IS NULL", f"'{' or '.join(known)} is missing'"),
        (f"state IN {_list(UNFINISHED)}", "'not a finished deployment: ' || left(said, 50)"),
        ("decided IS NULL", f"'unknown {' or '.join(known)}: ' || left(said, 50)"),
        *_too_long("id"),
        *_refused_times("deployed_at", "updated_at"),
    ]
    return _statement(
        given=f"{said} AS said, {_word('said')} AS state, {decision} AS decided, {elsewhere} AS elsewhere_",
        fact="id AS cycle_id, '' AS feature_id, 'deployment' AS phase_name, decided AS decision, "
        f"{_NO_DURATION}, {_NO_FIX}, deployed_at AS created_at",
        times=("deployed_at", "updated_at"),
        elsewhere="elsewhere_",
        refusals=refusals,
    )


def _changes(columns: Mapping[str, str | None]) -> str:
    refusals = [
        *_missing("id", "deployment"),
        *_refused_times("authored_at", "committed_at", "updated_at"),
        ("authored_at IS NULL AND committed_at IS NULL", "'authored_at and committed_at are missing'"),
        *_too_long("id", "deployment"),
    ]
    return _statement(
        given="coalesce(authored_at, committed_at) AS start",
        fact="deployment AS cycle_id, id AS feature_id, 'planning' AS phase_name, 'go' AS decision, "
        f"{_NO_DURATION}, {_NO_FIX}, start AS created_at",
        times=("authored_at", "committed_at", "updated_at"),
        substitute="authored_at IS NULL",
        refusals=refusals,
    )


def _incidents(columns: Mapping[str, str | None]) -> str:
    state = f"CASE WHEN state IN {_list(FIXED)} THEN 'fixed' WHEN state IN {_list(OPEN)} THEN 'open' ELSE state END"
    refusals = [
        *_missing("id", "began_at"),
        *_refused_times("began_at", "resolved_at", "updated_at"),
        ("resolved_at < began_at", "'ends before it begins'"),
        ("said NOT IN ('open', 'fixed')", "'unknown status: ' || left(status, 50)"),
        ("said = 'fixed' AND resolved_at IS NULL", "'resolved_at is missing, but status is ' || left(status, 50)"),
        ("said = 'open' AND resolved_at IS NOT NULL", "'resolved_at is given, but status is ' || left(status, 50)"),
        *_too_long("id", "deployment", "fixed_by"),
    ]
    return _statement(
        given=f"{_word('status')} AS state, {state} AS said",
        fact="coalesce(deployment, '') AS cycle_id, id AS feature_id, 'maintenance' AS phase_name, "
        "CASE WHEN resolved_at IS NULL THEN 'open' ELSE 'fixed' END AS decision, "
        f"{_seconds('resolved_at', 'began_at')} AS duration_seconds, fixed_by, began_at AS created_at",
        times=("began_at", "resolved_at", "updated_at"),
        refusals=refusals,
    )


def _statement(
    *,
    given: str,
    fact: str,
    times: tuple[str, ...],
    refusals: list[tuple[str, str]],
    substitute: str = "false",
    elsewhere: str = "false",
) -> str:
    """The SELECT that makes candidates: ``given`` is worked out first, ``refusals`` are tried in order."""
    unnamed = [("project IS NULL", "'no project'"), *_too_long("project")]
    cases = [*unnamed, ("outside", "NULL"), *refusals]
    reasons = " ".join(f"WHEN {condition} THEN {reason}" for condition, reason in cases)
    return f"""
        WITH named AS (SELECT * REPLACE (
            coalesce(CASE WHEN trim(project) <> '' THEN project END, $default_project) AS project) FROM file),
        said AS (SELECT *, {given} FROM named),
        placed AS (SELECT *, coalesce({elsewhere} AND length(project) <= {NAME_LENGTH}, false) AS outside FROM said)
        SELECT project, {fact}, updated_at, CAST(NULL AS VARCHAR) AS metadata, title, author, team, url,
            least({", ".join(times)}) AS first_time, greatest({", ".join(times)}) AS last_time,
            {substitute} AS substitute, outside AS elsewhere, CASE {reasons} END AS reason, line, row
        FROM placed
    """  # noqa: S608 - put together from this module's own text; what the file says is data


def _missing(*names: str) -> list[tuple[str, str]]:
    """No value; a time that was given and refused is not missing."""
    absent = {name: f"coalesce(trim({name}), '') = ''" for name in names if not name.endswith("_at")}
    absent |= {name: f"{name} IS NULL AND {name}_why IS NULL" for name in names if name.endswith("_at")}
    return [(condition, f"'{name} is missing'") for name, condition in absent.items()]


def _refused_times(*names: str) -> list[tuple[str, str]]:
    return [(f"{name}_why IS NOT NULL", f"'{name} ' || {name}_why") for name in names]


def _too_long(*names: str) -> list[tuple[str, str]]:
    return [(f"length({name}) > {NAME_LENGTH}", f"'{name} is longer than {NAME_LENGTH} characters'") for name in names]


def _word(name: str) -> str:
    return f"lower(translate(trim({name}), ' -', '__'))"


def _not_in(name: str, words: tuple[str, ...]) -> str:
    return f"coalesce({_word(name)}, '') NOT IN {_list(words)}"


def _but(name: str, nulls: tuple[str, ...]) -> str:
    return f"CASE WHEN {name}::VARCHAR NOT IN {_list(nulls)} THEN {name} END AS {name}"


def _list(words: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


def _seconds(end: str, start: str) -> str:
    """Elapsed seconds, exactly, rounded half up to hundredths."""
    hundredths = f"((epoch_us({end}) - epoch_us({start}) + 5000) // 10000)"
    return f"CAST({hundredths} * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(12, 2))"
