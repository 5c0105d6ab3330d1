-- name: five_figures
-- The five headline figures of a span of time in one statement: no interval, no trend, no window before.
-- param projects text[]: the projects
-- param since datetime: start
-- param until datetime: end, exclusive
-- column deployments integer [deployments]: how many
-- column lead_seconds decimal [seconds]: median lead time
-- column failed integer [deployments]: no-go, or with an incident of the span
-- column recovery_seconds decimal [seconds]: median time to recover
-- column rework integer [deployments]: with the decision rework
-- grain: one row
WITH deployed AS (
  SELECT cycle_id, decision, duration_seconds
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
), incidents AS (
  SELECT charged_to, duration_seconds
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'maintenance' AND created_at >= :since AND created_at < :until
), cycles AS (
  SELECT
    cycle_id,
    MAX(CASE WHEN decision = 'no-go' THEN 1 ELSE 0 END) AS stopped,
    MAX(CASE WHEN decision = 'rework' THEN 1 ELSE 0 END) AS rework
  FROM deployed
  GROUP BY cycle_id
), counted AS (
  SELECT
    COUNT(*) AS deployments,
    SUM(CASE WHEN c.stopped = 1 OR i.charged_to IS NOT NULL THEN 1 ELSE 0 END) AS failed,
    SUM(c.rework) AS rework
  FROM cycles AS c
  LEFT JOIN (SELECT DISTINCT charged_to FROM incidents) AS i ON i.charged_to = c.cycle_id
), lead_ranked AS (
  SELECT duration_seconds, ROW_NUMBER() OVER (ORDER BY duration_seconds) AS place, COUNT(*) OVER () AS n
  FROM deployed
  WHERE duration_seconds IS NOT NULL
), recovery_ranked AS (
  SELECT duration_seconds, ROW_NUMBER() OVER (ORDER BY duration_seconds) AS place, COUNT(*) OVER () AS n
  FROM incidents
  WHERE duration_seconds IS NOT NULL
)
SELECT
  counted.deployments,
  (SELECT CAST(AVG(duration_seconds) AS DECIMAL(14, 2)) FROM lead_ranked WHERE 2 * place IN (n, n + 1, n + 2)) AS lead_seconds,
  counted.failed,
  (SELECT CAST(AVG(duration_seconds) AS DECIMAL(14, 2)) FROM recovery_ranked WHERE 2 * place IN (n, n + 1, n + 2)) AS recovery_seconds,
  counted.rework
FROM counted
