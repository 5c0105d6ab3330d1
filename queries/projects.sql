-- name: projects
-- Every project with its deployments, changes and incidents, and the time they span.
-- param projects text[]: the projects asked for
-- column project text
-- column deployments integer [deployments]
-- column changes integer [changes]: changes that a deployment shipped
-- column incidents integer [incidents]: without git reverts that an incidents file replaces
-- column first_deployment datetime
-- column last_deployment datetime
-- grain: one row a project with rows
SELECT
  project,
  COUNT(DISTINCT CASE WHEN phase_name = 'deployment' THEN cycle_id END) AS deployments,
  SUM(CASE WHEN phase_name = 'deployment' AND feature_id <> '' THEN 1 ELSE 0 END) AS changes,
  SUM(CASE WHEN phase_name = 'maintenance' AND link_rule <> 'replaced' THEN 1 ELSE 0 END) AS incidents,
  MIN(CASE WHEN phase_name = 'deployment' THEN created_at END) AS first_deployment,
  MAX(CASE WHEN phase_name = 'deployment' THEN created_at END) AS last_deployment
FROM dora_metrics
WHERE project IN (:projects)
GROUP BY project
ORDER BY project
