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
-- column rework integer [deployments]: decision rework, or named by an incident as its fix
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
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
  GROUP BY project, cycle_id
),
charged AS (
  SELECT
    project,
    charged_to AS cycle_id,
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
)
SELECT
  CASE WHEN :pooled = 1 THEN '' ELSE d.project END AS project,
  s.span AS span,
  COUNT(*) AS deployments,
  SUM(CASE WHEN d.no_go = 1 OR c.cycle_id IS NOT NULL THEN 1 ELSE 0 END) AS failed,
  SUM(d.no_go) AS failed_no_go,
  SUM(CASE WHEN d.no_go = 0 AND c.named = 1 THEN 1 ELSE 0 END) AS failed_named,
  SUM(CASE WHEN d.no_go = 0 AND c.named = 0 AND c.reverted = 1 THEN 1 ELSE 0 END) AS failed_revert,
  SUM(CASE WHEN d.no_go = 0 AND c.named = 0 AND c.reverted = 0 THEN 1 ELSE 0 END) AS failed_time,
  SUM(CASE WHEN d.rework = 1 OR f.cycle_id IS NOT NULL THEN 1 ELSE 0 END) AS rework,
  SUM(CASE WHEN f.cycle_id IS NOT NULL THEN 1 ELSE 0 END) AS rework_fix,
  SUM(CASE WHEN d.deployed_at >= :settled_before THEN 1 ELSE 0 END) AS unsettled
FROM JSON_TABLE(:spans, '$[*]' COLUMNS (
  span INT PATH '$.span', starts DATETIME(6) PATH '$.starts', ends DATETIME(6) PATH '$.ends'
)) AS s
JOIN deployment AS d ON d.deployed_at >= s.starts AND d.deployed_at < s.ends
LEFT JOIN charged AS c ON c.project = d.project AND c.cycle_id = d.cycle_id
LEFT JOIN fix AS f ON f.project = d.project AND f.cycle_id = d.cycle_id
GROUP BY CASE WHEN :pooled = 1 THEN '' ELSE d.project END, s.span
ORDER BY project, span
