-- name: deployment_days
-- On how many local days of each week something was deployed.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 counts all projects together, under the name ''
-- param since datetime: start of the earliest day
-- param until datetime: end of the latest day
-- param days json: [starts, ends) of each local day; part is the number of its week
-- column project text
-- column week integer
-- column days integer [days]: days of the week with at least one deployment
-- grain: one row a project and week with at least one deployment
WITH day AS (
  SELECT d.span, d.part, d.starts, d.ends
  FROM JSON_TABLE(:days, '$[*]' COLUMNS (
    span INT PATH '$.span', starts DATETIME(6) PATH '$.starts', ends DATETIME(6) PATH '$.ends', part INT PATH '$.part'
  )) AS d
),
week AS (
  SELECT part, MIN(starts) AS starts, MAX(ends) AS ends FROM day GROUP BY part
),
moment AS (
  SELECT DISTINCT project, created_at
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
)
SELECT
  CASE WHEN :pooled = 1 THEN '' ELSE m.project END AS project,
  d.part AS week,
  COUNT(DISTINCT d.span) AS days
FROM week AS w
JOIN moment AS m ON m.created_at >= w.starts AND m.created_at < w.ends
JOIN day AS d ON d.part = w.part AND m.created_at >= d.starts AND m.created_at < d.ends
GROUP BY CASE WHEN :pooled = 1 THEN '' ELSE m.project END, d.part
ORDER BY project, week
