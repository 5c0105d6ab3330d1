-- name: deployment_counts
-- How many deployments each span had, how many of them failed and why, and how many were rework.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 counts all projects together, under the name ''
-- param since datetime: start of the earliest span
-- param until datetime: end of the latest span
-- param settled_before datetime: deployments at or after this time can still be charged with an incident by the time rule
-- param spans json: [starts, ends) of each span
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
    d.project AS project,
    d.cycle_id AS cycle_id,
    MIN(d.created_at) AS deployed_at,
    MAX(CASE WHEN d.decision = 'no-go' THEN 1 ELSE 0 END) AS no_go,
    MAX(CASE WHEN d.decision = 'rework' THEN 1 ELSE 0 END) AS rework,
    (
      SELECT MIN(CASE m.link_rule WHEN 'named' THEN 1 WHEN 'revert' THEN 2 ELSE 3 END)
      FROM dora_metrics AS m
      WHERE m.project = d.project AND m.charged_to = d.cycle_id AND m.phase_name = 'maintenance'
    ) AS cause,
    CASE WHEN EXISTS (
      SELECT 1 FROM dora_metrics AS m
      WHERE m.project = d.project AND m.fixed_by = d.cycle_id AND m.phase_name = 'maintenance' AND m.link_rule <> 'replaced'
    ) THEN 1 ELSE 0 END AS fixes
  FROM (
    SELECT DISTINCT project, phase_name, created_at, decision, cycle_id
    FROM dora_metrics
    WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
  ) AS d
  GROUP BY d.project, d.cycle_id
)
SELECT
  CASE WHEN :pooled = 1 THEN '' ELSE d.project END AS project,
  s.span AS span,
  COUNT(*) AS deployments,
  SUM(CASE WHEN d.no_go = 1 OR d.cause IS NOT NULL THEN 1 ELSE 0 END) AS failed,
  SUM(d.no_go) AS failed_no_go,
  SUM(CASE WHEN d.no_go = 0 AND d.cause = 1 THEN 1 ELSE 0 END) AS failed_named,
  SUM(CASE WHEN d.no_go = 0 AND d.cause = 2 THEN 1 ELSE 0 END) AS failed_revert,
  SUM(CASE WHEN d.no_go = 0 AND d.cause = 3 THEN 1 ELSE 0 END) AS failed_time,
  SUM(CASE WHEN (d.no_go = 0 AND d.rework = 1) OR d.fixes = 1 THEN 1 ELSE 0 END) AS rework,
  SUM(d.fixes) AS rework_fix,
  SUM(CASE WHEN d.deployed_at >= :settled_before THEN 1 ELSE 0 END) AS unsettled
FROM JSON_TABLE(:spans, '$[*]' COLUMNS (
  span INT PATH '$.span', starts DATETIME(6) PATH '$.starts', ends DATETIME(6) PATH '$.ends'
)) AS s
JOIN deployment AS d ON d.deployed_at >= s.starts AND d.deployed_at < s.ends
GROUP BY CASE WHEN :pooled = 1 THEN '' ELSE d.project END, s.span
ORDER BY project, span
