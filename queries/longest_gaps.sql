-- name: longest_gaps
-- The longest time without a deployment inside the window.
-- param projects text[]: the projects asked for
-- param since datetime: start of the window
-- param until datetime: end of the window
-- column project text
-- column started_at datetime: the deployment before the gap
-- column ended_at datetime: the deployment after it
-- column deployments integer [deployments]: times of deployments in the window
-- grain: one row a project with at least two deployments in the window
WITH moment AS (
  SELECT DISTINCT project, created_at
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
),
gap AS (
  SELECT
    project,
    created_at AS ended_at,
    LAG(created_at) OVER (PARTITION BY project ORDER BY created_at) AS started_at,
    COUNT(*) OVER (PARTITION BY project) AS deployments
  FROM moment
),
ordered AS (
  SELECT project, started_at, ended_at, deployments,
    ROW_NUMBER() OVER (
      PARTITION BY project ORDER BY TIMESTAMPDIFF(MICROSECOND, started_at, ended_at) DESC, ended_at
    ) AS place
  FROM gap
  WHERE started_at IS NOT NULL
)
SELECT project, started_at, ended_at, deployments
FROM ordered
WHERE place = 1
ORDER BY project
