-- name: link_incidents
-- The deployment that each incident is charged to, and by which rule: a pure function of the stored rows.
-- param max_gap_microseconds integer: an incident that names no deployment is charged to the latest one at most this much earlier
-- param covered json: per project the time that incidents files cover; there a git revert is replaced by them
-- column project text
-- column cycle_id text
-- column feature_id text
-- column charged_to text: cycle_id of the deployment
-- column link_rule text: named, revert, time; unknown (names no stored deployment), none (no deployment near enough), replaced
-- grain: one row an incident
WITH deployment AS (
  SELECT project, cycle_id, MIN(created_at) AS deployed_at
  FROM dora_metrics
  WHERE phase_name = 'deployment'
  GROUP BY project, cycle_id
),
latest AS (
  -- of deployments at the same time the greatest cycle_id counts as the latest
  SELECT project, deployed_at, MAX(cycle_id) AS cycle_id FROM deployment GROUP BY project, deployed_at
),
incident AS (
  SELECT project, cycle_id, feature_id, source, created_at AS began_at,
    CASE WHEN cycle_id = '' OR metadata LIKE '%"names_no_deployment"%' THEN 0 ELSE 1 END AS names_one
  FROM dora_metrics
  WHERE phase_name = 'maintenance'
),
timeline AS (
  SELECT project, deployed_at AS at, deployed_at, NULL AS cycle_id, NULL AS feature_id FROM latest
  UNION ALL
  SELECT project, began_at AS at, NULL AS deployed_at, cycle_id, feature_id FROM incident WHERE names_one = 0
),
before_incident AS (
  -- the default frame holds everything up to and including the same instant
  SELECT project, at, cycle_id, feature_id, MAX(deployed_at) OVER (PARTITION BY project ORDER BY at) AS deployed_at
  FROM timeline
),
covered AS (
  SELECT c.project, c.starts, c.ends
  FROM JSON_TABLE(:covered, '$[*]' COLUMNS (
    project VARCHAR(100) PATH '$.project', starts DATETIME(6) PATH '$.starts', ends DATETIME(6) PATH '$.ends'
  )) AS c
)
SELECT
  i.project AS project,
  i.cycle_id AS cycle_id,
  i.feature_id AS feature_id,
  CASE
    WHEN v.project IS NOT NULL THEN NULL
    WHEN i.names_one = 1 THEN d.cycle_id
    WHEN TIMESTAMPDIFF(MICROSECOND, b.deployed_at, i.began_at) <= :max_gap_microseconds THEN l.cycle_id
  END AS charged_to,
  CASE
    WHEN v.project IS NOT NULL THEN 'replaced'
    WHEN i.names_one = 1 AND d.cycle_id IS NULL THEN 'unknown'
    WHEN i.names_one = 1 AND i.source = 'git' THEN 'revert'
    WHEN i.names_one = 1 THEN 'named'
    WHEN TIMESTAMPDIFF(MICROSECOND, b.deployed_at, i.began_at) <= :max_gap_microseconds THEN 'time'
    ELSE 'none'
  END AS link_rule
FROM incident AS i
LEFT JOIN covered AS v ON v.project = i.project AND i.source = 'git' AND i.began_at >= v.starts AND i.began_at < v.ends
LEFT JOIN deployment AS d ON d.project = i.project AND d.cycle_id = i.cycle_id AND i.names_one = 1
LEFT JOIN before_incident AS b ON b.project = i.project AND b.cycle_id = i.cycle_id AND b.feature_id = i.feature_id
LEFT JOIN latest AS l ON l.project = b.project AND l.deployed_at = b.deployed_at
ORDER BY project, cycle_id, feature_id
