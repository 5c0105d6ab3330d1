"""The history of a repository as rows: facts and names, built column by column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.rows import DURATION, FACTS, FEATURES, LINES, TIME
from workbench.sources.git_history import LONGEST, NO_LEAD_TIME, Array, History
from workbench.sources.git_log import Commits
from workbench.sources.git_reverts import Incident

_FACTS: Final = pa.schema([*FACTS, *LINES])


def facts(history: History, project: str) -> pa.Table:
    """FACTS and LINES: one row a change, one for each deployment without a change, one an incident."""
    places = history.owner[history.selection.changes]
    empty = np.setdiff1d(np.flatnonzero(history.kept), places)
    none = np.zeros(len(empty), np.int64)
    durations = pa.array(history.lead, pa.int64(), mask=history.missing > 0)
    return pa.concat_tables(
        [
            _shipped(
                history, project, places, _hex(history.commits, history.selection.changes), durations, history.missing
            ),
            _shipped(history, project, empty, "", None, none),
            _failed(history, project),
        ]
    )


def features(history: History, project: str, web: str | None) -> pa.Table:
    """FEATURES: one row a change, a deployment, an incident.

    A deployed commit that is a change as well has one id, so one row says both: "v1.2.0: Subject of the commit".

    Args:
        web: what to put a commit's id behind for its page; None if that is not known.
    """
    tips = history.tips[history.kept]
    changes = history.selection.changes[~np.isin(history.selection.changes, tips)]
    plain = {"feature_id": _hex(history.commits, changes), **_told(history.commits, changes, web)}
    reverts = list(dict.fromkeys(incident.revert.commit for incident in history.incidents))
    named = {
        "feature_id": pa.array([f"revert:{history.oid(commit)}" for commit in reverts], pa.string()),
        **_told(history.commits, np.array(reverts, np.int64), web),
    }
    common = {"project": project, "source": "git"}
    return pa.concat_tables(
        [_table(FEATURES, {**common, **columns}) for columns in (plain, _released(history, tips, web), named)]
    )


def _shipped(
    history: History, project: str, places: Array, feature: pa.Array | str, durations: pa.Array | None, missing: Array
) -> pa.Table:
    by_tag = np.array([deployment.dated_by == "tag" for deployment in history.deployments])
    said = [_said(dated_by, reason) for dated_by in ("commit", "tag") for reason in NO_LEAD_TIME]
    columns = {
        "project": project,
        "cycle_id": _hex(history.commits, history.tips[places]),
        "feature_id": feature,
        "phase_name": "deployment",
        "decision": pa.array(["go", "rework"]).take(pa.array(history.rework[places].astype(np.int64))),
        "duration_seconds": durations,
        "source": "git",
        "metadata": pa.array(said).take(pa.array(by_tag[places] * len(NO_LEAD_TIME) + missing)),
        "created_at": _times(history.times[places]),
    }
    return _table(_FACTS, columns, len(places))


def _said(dated_by: str, reason: str | None) -> str:
    return json.dumps({"time": dated_by} | ({"no_lead_time": reason} if reason else {}))


def _failed(history: History, project: str) -> pa.Table:
    """Incidents. If a fix is dated before the failure (wrong clock, late tag), nobody knows how long it took: null."""
    deployments = history.deployments
    failed = [deployments[incident.failed] for incident in history.incidents]
    fixes = [deployments[incident.fixed_by] for incident in history.incidents]
    took = [fix.time - fail.time for fail, fix in zip(failed, fixes, strict=True)]
    columns = {
        "project": project,
        "cycle_id": pa.array([history.oid(fail.commit) for fail in failed], pa.string()),
        "feature_id": pa.array([f"revert:{history.oid(one.revert.commit)}" for one in history.incidents], pa.string()),
        "phase_name": "maintenance",
        "decision": "fixed",
        "duration_seconds": pa.array([s if 0 <= s <= LONGEST else None for s in took], pa.int64()),
        "fixed_by": pa.array([history.oid(fix.commit) for fix in fixes], pa.string()),
        "source": "git",
        "metadata": pa.array([_reverted(history, one) for one in history.incidents], pa.string()),
        "created_at": _times(np.array([fail.time for fail in failed], np.int64)),
    }
    return _table(_FACTS, columns, len(failed))


def _reverted(history: History, incident: Incident) -> str | None:
    commit = incident.revert.reverted
    return None if commit is None else json.dumps({"reverted": history.oid(commit)})


def _released(history: History, tips: Array, web: str | None) -> Mapping[str, Any]:
    """The names of the kept deployments: their tags; the subject, too, where the commit is a change or has no tag."""
    told = _told(history.commits, tips, web)
    names = [deployment.names for deployment, kept in zip(history.deployments, history.kept, strict=True) if kept]
    speaks = np.isin(tips, history.selection.changes) | np.array([not tags for tags in names], np.bool_)
    titles = [
        ": ".join(part for part in (", ".join(tags), subject if own else None) if part) or None
        for tags, subject, own in zip(names, told["title"].to_pylist(), speaks, strict=True)
    ]
    authors = [author if own else None for author, own in zip(told["author"].to_pylist(), speaks, strict=True)]
    columns = {"title": pa.array(titles, pa.string()), "author": pa.array(authors, pa.string())}
    return {**told, **columns, "feature_id": _hex(history.commits, tips)}


def _told(commits: Commits, numbers: Array, web: str | None) -> dict[str, Any]:
    """What commits say of themselves: title, author, address."""
    rows = pa.array(numbers)
    subject, author = (column.take(rows).cast(pa.string()) for column in (commits.subject, commits.author))
    blank = pa.scalar(None, pa.string())
    url = web and pc.binary_join_element_wise(pa.scalar(web), _hex(commits, numbers), "")
    return {
        "title": pc.if_else(pc.equal(subject, ""), blank, subject),
        "author": pc.if_else(pc.equal(author, ""), blank, author),
        "url": url,
    }


def _hex(commits: Commits, numbers: Array) -> pa.Array:
    """The full ids of commits as text, without making a string of each."""
    width = 2 * commits.ids.shape[1]
    digits = commits.ids[numbers].tobytes().hex().encode()
    ends = np.arange(len(numbers) + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(digits)]
    return pa.Array.from_buffers(pa.large_string(), len(numbers), buffers).cast(pa.string())


def _times(seconds: Array) -> pa.Array:
    return pa.array(seconds * 1_000_000, pa.int64()).cast(TIME)


def _table(schema: pa.Schema, columns: Mapping[str, Any], rows: int | None = None) -> pa.Table:
    """A table of that schema: a text is repeated, a missing column is null."""
    count = len(columns["feature_id"]) if rows is None else rows
    return pa.table([_column(columns.get(field.name), field.type, count) for field in schema], schema=schema)


def _column(values: Any, kind: pa.DataType, rows: int) -> pa.Array | pa.ChunkedArray:
    if values is None:
        return pa.nulls(rows, kind)
    if isinstance(values, str):
        return pa.repeat(pa.scalar(values, kind), rows)
    if kind == DURATION:  # Arrow wants room for every possible integer before it looks at the ones that are there
        return values.cast(pa.decimal128(21, 2)).cast(kind)
    return values
