-- name: deployment_counts
-- How many deployments each span had, how many of them failed and why, and how many were rework.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 counts all projects together, under the name ''
-- param since datetime: start of the earliest span
-- param until datetime: end of the latest span
-- param settled_before datetime: deployments at or after this time can still be charged with an incident by the time rule
-- param spans spans: [starts, ends) of each span
-- column project text
-- column span integer
-- column deployments integer [deployments]: distinct (project, cycle_id), by the time of the deployment
-- column failed integer [deployments]: decision no-go, or at least one incident is charged to it, whenever that began
-- column failed_no_go integer [deployments]: failed by its own decision
-- column failed_named integer [deployments]: else failed because an incident names it
-- column failed_revert integer [deployments]: else failed because a later deployment reverts what it shipped
-- column failed_time integer [deployments]: else failed because an incident began soon after it
-- column rework integer [deployments]: decision rework (no-go comes before it), or named by an incident as its fix
-- column rework_fix integer [deployments]: those that an incident names as its fix
-- column unsettled integer [deployments]: too young for the time rule to be final
-- grain: one row a project and span with at least one deployment
WITH deployment AS (
  SELECT
    project,
    cycle_id,
    MIN(created_at) AS deployed_at,
    MAX(CASE WHEN decision = 'no-go' THEN 1 ELSE 0 END) AS no_go,
    MAX(CASE WHEN decision = 'rework' THEN 1 ELSE 0 END) AS rework
  FROM (
    -- in the order of the index, so that the many changes of a deployment are one row before anything is sorted
    SELECT /*+ INDEX(dora_metrics dora_metrics_window) */ DISTINCT project, phase_name, created_at, decision, cycle_id
    FROM dora_metrics
    WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
  ) AS d
  GROUP BY project, cycle_id
),
charged AS (
  -- all incidents of the project, whenever they began: they are few, and one look-up for each deployment costs more.
  -- The hint keeps MySQL from the index of phases, which would lead it to every project's incidents, row by row
  SELECT /*+ INDEX(dora_metrics dora_metrics_window) */ project, charged_to, MIN(CASE link_rule WHEN 'named' THEN 1 WHEN 'revert' THEN 2 ELSE 3 END) AS cause
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'maintenance' AND charged_to IS NOT NULL
  GROUP BY project, charged_to
),
fix AS (
  SELECT /*+ INDEX(dora_metrics dora_metrics_window) */ DISTINCT project, fixed_by
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'maintenance' AND fixed_by IS NOT NULL
    AND link_rule <> 'replaced'
),
piece AS (
  SELECT
    CASE WHEN :pooled = 1 THEN '' ELSE d.project END AS project,
    INTERVAL(TIMESTAMPDIFF(MICROSECOND, TIMESTAMP '1970-01-01 00:00:00', d.deployed_at), :spans_edges) AS piece,
    COUNT(*) AS deployments,
    SUM(CASE WHEN d.no_go = 1 OR c.cause IS NOT NULL THEN 1 ELSE 0 END) AS failed,
    SUM(d.no_go) AS failed_no_go,
    SUM(CASE WHEN d.no_go = 0 AND c.cause = 1 THEN 1 ELSE 0 END) AS failed_named,
    SUM(CASE WHEN d.no_go = 0 AND c.cause = 2 THEN 1 ELSE 0 END) AS failed_revert,
    SUM(CASE WHEN d.no_go = 0 AND c.cause = 3 THEN 1 ELSE 0 END) AS failed_time,
    SUM(CASE WHEN (d.no_go = 0 AND d.rework = 1) OR f.fixed_by IS NOT NULL THEN 1 ELSE 0 END) AS rework,
    COUNT(f.fixed_by) AS rework_fix,
    SUM(CASE WHEN d.deployed_at >= :settled_before THEN 1 ELSE 0 END) AS unsettled
  FROM deployment AS d
  LEFT JOIN charged AS c ON c.project = d.project AND c.charged_to = d.cycle_id
  LEFT JOIN fix AS f ON f.project = d.project AND f.fixed_by = d.cycle_id
  GROUP BY 1, 2
)
SELECT
  p.project AS project,
  s.span AS span,
  SUM(p.deployments) AS deployments,
  SUM(p.failed) AS failed,
  SUM(p.failed_no_go) AS failed_no_go,
  SUM(p.failed_named) AS failed_named,
  SUM(p.failed_revert) AS failed_revert,
  SUM(p.failed_time) AS failed_time,
  SUM(p.rework) AS rework,
  SUM(p.rework_fix) AS rework_fix,
  SUM(p.unsettled) AS unsettled
FROM piece AS p
JOIN JSON_TABLE(:spans, '$[*]' COLUMNS (span INT PATH '$.span', piece INT PATH '$.piece')) AS s ON s.piece = p.piece
GROUP BY p.project, s.span
ORDER BY project, span
