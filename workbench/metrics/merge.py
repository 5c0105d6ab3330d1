"""What an extract changes in the rows that are stored: new ids, later versions of known ids, and conflicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from workbench.metrics.scratch import scratch
from workbench.rows import FACTS, FEATURES, REJECTS, Extract

_COLUMNS: Final = ", ".join(FACTS.names)
_CONTENT: Final = tuple(name for name in FACTS.names if name not in ("charged_to", "link_rule", "metadata"))

# A source's own id of a row. An incident or a change keeps its id when a correction moves it to another deployment.
_IDENTITY: Final = """
CASE source WHEN 'deployments' THEN cycle_id
            WHEN 'changes' THEN feature_id
            WHEN 'incidents' THEN feature_id
            ELSE cycle_id || chr(31) || feature_id || chr(31) || phase_name END
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """Rows as given by all sources after an extract, and what it did.

    Attributes:
        facts: FACTS, not linked yet.
        features: FEATURES.
        rejects: REJECTS, rows of the extract that contradict a stored row of equal rank.
        added, changed, removed, unchanged: rows of the extract's source and projects.
    """

    facts: pa.Table
    features: pa.Table
    rejects: pa.Table
    added: int
    changed: int
    removed: int
    unchanged: int


def merge(given: pa.Table, features: pa.Table, extract: Extract) -> Merged:
    """Put an extract on top of what is stored.

    A source that replaces (git) takes the place of its earlier rows. Otherwise rows are merged by the source's id: the
    later ``updated_at`` wins, then *fixed* beats *open*; of equal rank the stored one stays and the other is refused.

    Args:
        given: stored rows as their sources gave them (link.as_given).
        features: stored FEATURES.
    """
    with scratch() as connection:
        connection.register("given", given)
        connection.register("extract", extract.facts)
        _judge(connection, extract)
        facts = connection.sql(_merged_sql(extract)).to_arrow_table()
        counts = dict(connection.execute("SELECT fate, COUNT(*) FROM fate GROUP BY fate").fetchall())
        stored = _count(connection, "SELECT COUNT(*) FROM stored")
        rejects = connection.sql(_CONFLICTS, params={"origin": extract.origin}).to_arrow_table()
    kept = counts.get("unchanged", 0) + counts.get("changed", 0)
    return Merged(
        facts=facts.cast(FACTS),
        features=_merge_features(features, extract),
        rejects=rejects.cast(REJECTS),
        added=counts.get("added", 0),
        changed=counts.get("changed", 0),
        removed=stored - kept if extract.replaces else 0,
        unchanged=counts.get("unchanged", 0) + counts.get("older", 0),
    )


_CONFLICTS: Final = """
SELECT $origin AS file, line,
  'another version is stored, and neither has a later updated_at: set it, or remove the stored row' AS reason,
  identity AS text
FROM fate WHERE fate = 'conflict' ORDER BY line
"""


def _judge(connection: duckdb.DuckDBPyConnection, extract: Extract) -> None:
    """Tables ``fresh`` and ``stored`` with identities and ranks, and ``fate``: what becomes of each fresh row."""
    ranked = f"""*, {_IDENTITY} AS identity,
      COALESCE(updated_at, TIMESTAMP '0001-01-01') AS known_at, decision = 'fixed' AS closed"""
    connection.execute(
        f"""
        CREATE TEMP TABLE fresh AS SELECT {ranked} FROM extract;
        CREATE TEMP TABLE stored AS SELECT {ranked} FROM given WHERE source = '{extract.source}';
        CREATE TEMP TABLE fate AS
        SELECT f.identity, f.project, f.line,
          CASE WHEN s.project IS NULL THEN 'added'
               WHEN {_ALIKE} THEN 'unchanged'
               WHEN {extract.replaces} OR (f.known_at, f.closed) > (s.known_at, s.closed) THEN 'changed'
               WHEN (f.known_at, f.closed) < (s.known_at, s.closed) THEN 'older'
               ELSE 'conflict' END AS fate
        FROM fresh AS f LEFT JOIN stored AS s USING (project, identity);
        """  # noqa: S608 - constants of this package
    )


def _metadata_of(alias: str) -> str:
    """Metadata as a value: stores and JSON functions may write the same object in other words."""
    return f"list_sort(map_entries(CAST(CAST(COALESCE({alias}.metadata, '{{}}') AS JSON) AS MAP(VARCHAR, VARCHAR))))"


_ALIKE: Final = (
    " AND ".join(f"f.{name} IS NOT DISTINCT FROM s.{name}" for name in _CONTENT)
    + f" AND (f.metadata IS NOT DISTINCT FROM s.metadata OR {_metadata_of('f')} = {_metadata_of('s')})"
)


def _merged_sql(extract: Extract) -> str:
    return f"""
        SELECT {_COLUMNS} FROM fresh JOIN fate USING (project, identity) WHERE fate IN ('added', 'changed')
        UNION ALL
        SELECT {_COLUMNS} FROM stored AS s WHERE NOT EXISTS (
          SELECT 1 FROM fate AS f WHERE f.project = s.project AND f.identity = s.identity AND f.fate = 'changed')
          AND NOT ({extract.replaces} AND NOT EXISTS (
            SELECT 1 FROM fate AS f WHERE f.project = s.project AND f.identity = s.identity))
        UNION ALL
        SELECT {_COLUMNS} FROM given WHERE source <> '{extract.source}'
    """  # noqa: S608 - constants of this package


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(connection.execute(sql).fetchall()[0][0])


def _merge_features(stored: pa.Table, extract: Extract) -> pa.Table:
    """One row of names a feature and source: the latest; equal ones are settled by text, so order does not matter."""
    with scratch() as connection:
        connection.register("stored", stored)
        connection.register("fresh", extract.features)
        return (
            connection.sql(
                f"""
            SELECT * FROM (
              SELECT * FROM stored WHERE NOT ({extract.replaces} AND source = '{extract.source}')
              UNION ALL
              SELECT * FROM fresh
            )
            QUALIFY ROW_NUMBER() OVER (
              PARTITION BY project, feature_id, source
              ORDER BY updated_at DESC NULLS LAST, title, author, team, url) = 1
            """  # noqa: S608
            )
            .to_arrow_table()
            .cast(FEATURES)
        )
