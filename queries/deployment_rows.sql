-- name: deployment_rows
-- Deployments with what came of them: one page, newest first.
-- param projects text[]: the projects asked for
-- param since datetime: start of the window
-- param until datetime: end of the window
-- param only text: all, failed or rework
-- param after_at datetime: deployed_at of the last row of the page before; the window's end for the first page
-- param after_project text: its project
-- param after_cycle text: its deployment
-- param size integer: rows of a page
-- column project text
-- column deployed_at datetime
-- column deployment text: cycle_id
-- column title text: its tags or title
-- column decision text: no-go before rework before go
-- column failed integer: 1 if it failed
-- column rework integer: 1 if it is rework
-- column cause text: why it failed: no-go, named, revert or time
-- column changes integer [changes]
-- column incidents integer [incidents]: charged to it
-- column open_incidents integer [incidents]: of these not fixed
-- column recovered_after decimal [seconds]: the longest recovery of its fixed incidents
-- column url text
-- grain: one row a deployment
WITH deployment AS (
  SELECT
    project,
    cycle_id,
    MIN(created_at) AS deployed_at,
    MAX(CASE WHEN decision = 'no-go' THEN 1 ELSE 0 END) AS no_go,
    MAX(CASE WHEN decision = 'rework' THEN 1 ELSE 0 END) AS rework,
    SUM(CASE WHEN feature_id <> '' THEN 1 ELSE 0 END) AS changes
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
  GROUP BY project, cycle_id
),
charged AS (
  SELECT
    project,
    charged_to AS cycle_id,
    COUNT(*) AS incidents,
    SUM(CASE WHEN decision <> 'fixed' THEN 1 ELSE 0 END) AS open_incidents,
    MAX(CASE WHEN decision = 'fixed' THEN duration_seconds END) AS recovered_after,
    MAX(CASE WHEN link_rule = 'named' THEN 1 ELSE 0 END) AS named,
    MAX(CASE WHEN link_rule = 'revert' THEN 1 ELSE 0 END) AS reverted
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'maintenance' AND charged_to IS NOT NULL
  GROUP BY project, charged_to
),
fix AS (
  SELECT DISTINCT project, fixed_by AS cycle_id
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'maintenance' AND fixed_by IS NOT NULL AND link_rule <> 'replaced'
),
told AS (
  SELECT
    d.project AS project,
    d.deployed_at AS deployed_at,
    d.cycle_id AS cycle_id,
    CASE WHEN d.no_go = 1 THEN 'no-go' WHEN d.rework = 1 THEN 'rework' ELSE 'go' END AS decision,
    CASE WHEN d.no_go = 1 OR c.cycle_id IS NOT NULL THEN 1 ELSE 0 END AS failed,
    CASE WHEN (d.no_go = 0 AND d.rework = 1) OR f.cycle_id IS NOT NULL THEN 1 ELSE 0 END AS rework,
    CASE
      WHEN d.no_go = 1 THEN 'no-go' WHEN c.named = 1 THEN 'named' WHEN c.reverted = 1 THEN 'revert'
      WHEN c.cycle_id IS NOT NULL THEN 'time'
    END AS cause,
    d.changes AS changes,
    COALESCE(c.incidents, 0) AS incidents,
    COALESCE(c.open_incidents, 0) AS open_incidents,
    c.recovered_after AS recovered_after
  FROM deployment AS d
  LEFT JOIN charged AS c ON c.project = d.project AND c.cycle_id = d.cycle_id
  LEFT JOIN fix AS f ON f.project = d.project AND f.cycle_id = d.cycle_id
),
page AS (
  SELECT *
  FROM told
  WHERE (:only = 'all' OR (:only = 'failed' AND failed = 1) OR (:only = 'rework' AND rework = 1))
    AND (deployed_at < :after_at OR (deployed_at = :after_at AND (
      project > :after_project OR (project = :after_project AND cycle_id > :after_cycle))))
  ORDER BY deployed_at DESC, project, cycle_id
  LIMIT :size
)
SELECT
  p.project AS project,
  p.deployed_at AS deployed_at,
  p.cycle_id AS deployment,
  MAX(n.title) AS title,
  p.decision AS decision,
  p.failed AS failed,
  p.rework AS rework,
  p.cause AS cause,
  p.changes AS changes,
  p.incidents AS incidents,
  p.open_incidents AS open_incidents,
  p.recovered_after AS recovered_after,
  MAX(n.url) AS url
FROM page AS p
LEFT JOIN features AS n ON n.project = p.project AND n.feature_id = p.cycle_id
GROUP BY p.project, p.deployed_at, p.cycle_id, p.decision, p.failed, p.rework, p.cause, p.changes, p.incidents,
  p.open_incidents, p.recovered_after
ORDER BY deployed_at DESC, project, deployment
