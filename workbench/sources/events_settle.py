"""From candidate rows to an extract: later versions win, doubles and contradictions are refused, the rest are facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from workbench.errors import ParameterError
from workbench.model import naive_utc
from workbench.rows import FACTS, FEATURES, LINES, Coverage, Extract, Source
from workbench.sources.table import Opened
from workbench.sources.table_sql import query

_CONTENT: Final = (
    "project, cycle_id, feature_id, phase_name, decision, duration_seconds, fixed_by, updated_at, metadata, "
    "created_at, first_time, last_time, title, author, team, url"
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is said about a file by whoever imports it.

    Attributes:
        source: under which name its rows are kept.
        key: the columns that identify a row, besides the project.
        project: of records that name none.
        covers: the time that the file covers, aware; None: from the first to the last time in it.
        notes: said of each project.
    """

    source: Source
    key: tuple[str, ...]
    project: str | None
    covers: tuple[datetime, datetime] | None
    notes: Mapping[str, int | str]


def extract(opened: Opened, candidates: pa.Table, meaning: Meaning, digest: str) -> Extract:
    """The extract of one file."""
    settled = query(_settling(candidates, meaning.key), file=candidates)
    kept = query(
        "SELECT f.* FROM file AS f JOIN fate USING (row) WHERE fate.fate = 'kept' ORDER BY row",
        file=candidates,
        fate=settled,
    )
    refused = query("SELECT row, reason FROM fate WHERE fate = 'refused' ORDER BY row", fate=settled)
    return Extract(
        source=meaning.source,
        origin=opened.origin,
        digest=digest,
        facts=_facts(kept, meaning.source),
        features=_features(kept, meaning.source),
        coverage=_coverage(kept, meaning),
        replaces=False,
        rejects=opened.rejects(refused["row"].to_numpy(), refused["reason"].to_pylist()),
        notes=_notes(settled, kept, meaning.notes),
    )


def check_covers(covers: tuple[datetime, datetime] | None) -> None:
    """Raises ParameterError unless it is a time that begins before it ends, with offsets."""
    if covers is None:
        return
    if any(moment.tzinfo is None for moment in covers):
        raise ParameterError("The covered time needs offsets.", "Give times such as 2024-01-01T00:00:00Z.")
    if covers[0] >= covers[1]:
        raise ParameterError(
            f"The covered time from {covers[0].isoformat()} to {covers[1].isoformat()} is empty.",
            "Its end is exclusive.",
        )


def _settling(candidates: pa.Table, key: tuple[str, ...]) -> str:
    """row, project, fate (kept, refused, superseded, elsewhere), reason.

    Of rows with the same key, those of the highest rank count (by updated_at, none being lowest; then fixed before
    open). If they say the same, the first is kept; if not, none is.
    """
    by_key = ", ".join(("project", *key))
    one_by_one = _distinct(candidates, by_key)
    return f"""
        WITH good AS (SELECT * FROM file WHERE reason IS NULL AND NOT elsewhere)
        {_ALL_KEPT if one_by_one else _WEIGHED.format(by_key=by_key, content=_CONTENT)}
        UNION ALL SELECT row, project, 'refused', reason FROM file WHERE reason IS NOT NULL
        UNION ALL SELECT row, project, 'elsewhere', NULL FROM file WHERE reason IS NULL AND elsewhere
    """  # noqa: S608 - column names of this package


_ALL_KEPT: Final = "SELECT row, project, 'kept' AS fate, CAST(NULL AS VARCHAR) AS reason FROM good"

# alike: the first line that says the same; first and second: the first lines that say something, and something else
_WEIGHED: Final = """
    , ranked AS (SELECT *, row({content}) AS content, rank() OVER (PARTITION BY {by_key}
        ORDER BY updated_at DESC NULLS LAST, decision = 'fixed' DESC) AS place FROM good),
    grouped AS (SELECT *, min(line) OVER (PARTITION BY {by_key}, place, content) AS alike FROM ranked),
    firsts AS (SELECT *, min(alike) OVER (PARTITION BY {by_key}, place) AS first FROM grouped),
    weighed AS (SELECT *, min(CASE WHEN alike <> first THEN alike END) OVER (PARTITION BY {by_key}, place) AS second
        FROM firsts)
    SELECT row, project,
        CASE WHEN place > 1 THEN 'superseded'
             WHEN second IS NOT NULL OR line > first THEN 'refused' ELSE 'kept' END AS fate,
        CASE WHEN place > 1 THEN NULL
             WHEN second IS NOT NULL THEN 'conflicts with line ' || CASE WHEN alike = first THEN second ELSE first END
             WHEN line > first THEN 'duplicate of line ' || first END AS reason
    FROM weighed
"""


def _distinct(candidates: pa.Table, by_key: str) -> bool:
    told = query(
        f"SELECT count(*) = count(DISTINCT ({by_key})) AS told FROM file WHERE reason IS NULL AND NOT elsewhere",  # noqa: S608
        file=candidates,
    )
    return bool(told["told"][0].as_py())


def _facts(kept: pa.Table, source: Source) -> pa.Table:
    fixed: dict[str, Any] = {
        "charged_to": pa.nulls(len(kept), pa.string()),
        "link_rule": pa.nulls(len(kept), pa.string()),
        "source": pa.repeat(pa.scalar(source), len(kept)),
    }
    schema = pa.schema([*FACTS, *LINES])
    return pa.table([fixed[name] if name in fixed else kept[name] for name in schema.names], schema=schema)


def _features(kept: pa.Table, source: Source) -> pa.Table:
    """Names of the change or incident; a deployment's go by its cycle_id."""
    return query(
        """
        SELECT project, CASE WHEN feature_id = '' THEN cycle_id ELSE feature_id END AS feature_id,
            title, author, team, url, $source AS source, updated_at
        FROM kept WHERE coalesce(title, author, team, url) IS NOT NULL ORDER BY row
        """,
        {"source": source},
        kept=kept,
    ).cast(FEATURES)


def _coverage(kept: pa.Table, meaning: Meaning) -> tuple[Coverage, ...]:
    found = query(
        "SELECT project, min(first_time) AS first, max(last_time) AS last FROM kept GROUP BY project ORDER BY project",
        kept=kept,
    ).to_pylist()
    if meaning.covers is None:
        return tuple(
            Coverage(each["project"], each["first"], each["last"] + timedelta(microseconds=1)) for each in found
        )
    start, end = (naive_utc(moment) for moment in meaning.covers)
    named = {each["project"] for each in found} | ({meaning.project} if meaning.project else set())
    return tuple(Coverage(project, start, end) for project in sorted(named))


def _notes(settled: pa.Table, kept: pa.Table, of_each: Mapping[str, int | str]) -> dict[str, dict[str, int | str]]:
    counts: Sequence[dict[str, Any]] = query(
        """
        SELECT project, count(*) FILTER (fate = 'superseded') AS superseded,
            count(*) FILTER (fate = 'elsewhere') AS other_environments, count(*) FILTER (substitute) AS committed_used
        FROM fate LEFT JOIN (SELECT row, substitute FROM kept) USING (row)
        WHERE fate <> 'refused' GROUP BY project ORDER BY project
        """,
        fate=settled,
        kept=kept,
    ).to_pylist()
    return {
        each["project"]: {**of_each, **{name: n for name, n in each.items() if name != "project" and n}}
        for each in counts
    }
