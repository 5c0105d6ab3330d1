"""From rows as sources gave them to rows as stored: one time a deployment, shipped changes, charged incidents.

Everything here is a pure function of the given rows and imports, whatever order they came in; it is run after every
import and every removal, over whole projects, in DuckDB, whatever the store.
"""

from __future__ import annotations

import json
from typing import Final

import pyarrow as pa

from workbench.metrics import queries
from workbench.metrics.dialect import to_duckdb
from workbench.metrics.scratch import scratch
from workbench.rows import DERIVED, FACTS

# A deployment has one time: the earliest that its rows give. What a row itself said is kept in its metadata.
_ONE_TIME: Final = """
CREATE TEMP TABLE timed AS
SELECT * EXCLUDE (cycle_time) REPLACE (
  CASE WHEN created_at <> cycle_time
       THEN CAST(json_merge_patch(
              COALESCE(metadata, '{}'), json_object('reported_at', CAST(created_at AS VARCHAR))) AS VARCHAR)
       ELSE metadata END AS metadata,
  cycle_time AS created_at
)
FROM (
  SELECT *, CASE WHEN phase_name = 'deployment' THEN MIN(created_at) OVER (PARTITION BY project, cycle_id, phase_name)
                 ELSE created_at END AS cycle_time
  FROM given
)
"""

# Two sources may speak of one fact: what a person exported wins over what git suggests.
_PRECEDENCE: Final = "CASE source WHEN 'git' THEN 2 WHEN 'export' THEN 1 ELSE 0 END, source"

# A change of a changes file has a lead time once its deployment is known: elapsed seconds, half up to hundredths.
_SHIPPED: Final = f"""
INSERT INTO timed BY NAME
SELECT c.project, c.cycle_id, c.feature_id, 'deployment' AS phase_name, d.decision,
  CASE WHEN d.deployed_at >= c.created_at THEN
    CAST((date_diff('microsecond', c.created_at, d.deployed_at) + 5000) // 10000 AS DECIMAL(14,0))
      * CAST(0.01 AS DECIMAL(3,2))
  END AS duration_seconds,
  '{DERIVED}' AS source,
  CASE WHEN d.deployed_at < c.created_at THEN '{{"no_lead_time": "negative"}}' END AS metadata,
  d.deployed_at AS created_at
FROM timed AS c
JOIN (
  SELECT project, cycle_id, MIN(created_at) AS deployed_at,
    CASE MAX(CASE decision WHEN 'no-go' THEN 2 WHEN 'rework' THEN 1 ELSE 0 END)
      WHEN 2 THEN 'no-go' WHEN 1 THEN 'rework' ELSE 'go' END AS decision
  FROM (
    SELECT * FROM timed WHERE phase_name = 'deployment'
    QUALIFY ROW_NUMBER() OVER (PARTITION BY project, cycle_id, feature_id ORDER BY {_PRECEDENCE}) = 1
  ) GROUP BY project, cycle_id
) AS d USING (project, cycle_id)
WHERE c.source = 'changes' AND c.phase_name = 'planning'
  AND NOT EXISTS (
    SELECT 1 FROM timed AS t
    WHERE t.project = c.project AND t.cycle_id = c.cycle_id AND t.feature_id = c.feature_id
      AND t.phase_name = 'deployment' AND t.source <> 'git')
"""  # noqa: S608 - constants of this package

# The row that stands back is kept in the metadata of the one that wins, so that nothing is lost and the order of
# imports does not matter.
_ONE_FACT: Final = f"""
CREATE TEMP TABLE placed AS
SELECT *,
  ROW_NUMBER() OVER (
    PARTITION BY project, cycle_id, feature_id, phase_name
    ORDER BY {_PRECEDENCE}) AS place,
  COUNT(*) OVER (PARTITION BY project, cycle_id, feature_id, phase_name) AS versions
FROM timed;
CREATE TEMP TABLE stood_back AS
SELECT project, cycle_id, feature_id, phase_name, to_json(list({{
    'source': source, 'decision': decision, 'duration_seconds': CAST(duration_seconds AS VARCHAR),
    'fixed_by': fixed_by, 'updated_at': CAST(updated_at AS VARCHAR), 'metadata': metadata,
    'created_at': CAST(created_at AS VARCHAR)
  }} ORDER BY place)) AS rows
FROM placed WHERE place > 1 GROUP BY project, cycle_id, feature_id, phase_name;
CREATE TEMP TABLE dora_metrics AS
SELECT p.* EXCLUDE (place, versions) REPLACE (
  CASE WHEN versions > 1 THEN CAST(json_merge_patch(
      COALESCE(p.metadata, '{{}}'), json_object('stood_back', s.rows)) AS VARCHAR) ELSE p.metadata END AS metadata)
FROM placed AS p LEFT JOIN stood_back AS s
  ON p.versions > 1 AND s.project = p.project AND s.cycle_id = p.cycle_id AND s.feature_id = p.feature_id
  AND s.phase_name = p.phase_name
WHERE place = 1
"""  # noqa: S608 - constants of this package

_LINKED: Final = """
SELECT m.* REPLACE (l.charged_to AS charged_to, l.link_rule AS link_rule)
FROM dora_metrics AS m
LEFT JOIN link AS l ON m.phase_name = 'maintenance'
  AND l.project = m.project AND l.cycle_id = m.cycle_id AND l.feature_id = m.feature_id
"""


_GIVEN: Final = f"""
WITH back AS (
  SELECT * EXCLUDE (one), UNNEST(one)
  FROM (
    SELECT project, cycle_id, feature_id, phase_name, UNNEST(from_json(metadata -> '$.stood_back', '[{{
      "source": "VARCHAR", "decision": "VARCHAR", "duration_seconds": "DECIMAL(12,2)", "fixed_by": "VARCHAR",
      "updated_at": "TIMESTAMP", "metadata": "VARCHAR", "created_at": "TIMESTAMP"}}]')) AS one
    FROM stored WHERE metadata LIKE '%"stood_back"%')
),
given AS (
  SELECT * EXCLUDE (charged_to, link_rule) FROM stored WHERE source <> '{DERIVED}'
  UNION ALL BY NAME
  SELECT * FROM back WHERE source <> '{DERIVED}'
)
SELECT * EXCLUDE (made) REPLACE (
  COALESCE(CAST(made ->> '$.reported_at' AS TIMESTAMP), created_at) AS created_at,
  CASE WHEN made IS NULL THEN metadata
       ELSE NULLIF(CAST(json_merge_patch(made, '{{"reported_at": null, "stood_back": null}}') AS VARCHAR), '{{}}')
  END AS metadata),
  CAST(NULL AS VARCHAR) AS charged_to, CAST(NULL AS VARCHAR) AS link_rule
FROM (
  SELECT *,
    CASE WHEN metadata LIKE '%"reported_at"%' OR metadata LIKE '%"stood_back"%' THEN CAST(metadata AS JSON) END AS made
  FROM given)
"""  # noqa: S608 - constants of this package


def as_given(facts: pa.Table) -> pa.Table:
    """Stored rows as their sources gave them.

    That is without derived rows, links, and the deployment's common time, and with the rows that stood back.
    """
    with scratch() as connection:
        connection.register("stored", facts)
        return connection.sql(_GIVEN).to_arrow_table().select(FACTS.names).cast(FACTS)


def assemble(given: pa.Table, imports: pa.Table, link_hours: float) -> pa.Table:
    """The rows to store: ``given`` (FACTS, as sources gave them) with common times, shipped changes and links.

    Args:
        imports: IMPORTS of the same projects; incidents files among them replace git's reverts in the time they cover.
        link_hours: the time rule's largest gap, in elapsed hours.
    """
    gap = round(link_hours * 3_600_000_000)
    sql, values = queries.get("link_incidents").bind({"max_gap_microseconds": gap, "covered": _covered(imports)})
    with scratch() as connection:
        connection.register("given", given)
        for statement in (_ONE_TIME, _SHIPPED, _ONE_FACT):
            connection.execute(statement)
        connection.execute(f"CREATE TEMP TABLE link AS {to_duckdb(sql)}", values)
        return connection.sql(_LINKED).to_arrow_table().select(FACTS.names).cast(FACTS)


def _covered(imports: pa.Table) -> str:
    """Per project the time from the first to the last moment that its incidents files cover."""
    hulls: dict[str, tuple[object, object]] = {}
    for row in imports.select(["project", "source", "covered_from", "covered_to"]).to_pylist():
        if row["source"] == "incidents" and row["covered_from"] is not None:
            low, high = hulls.get(row["project"], (row["covered_from"], row["covered_to"]))
            hulls[row["project"]] = (min(low, row["covered_from"]), max(high, row["covered_to"]))
    return json.dumps(
        [{"project": project, "starts": str(low), "ends": str(high)} for project, (low, high) in sorted(hulls.items())]
    )
