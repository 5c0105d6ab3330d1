-- name: deployment_days
-- On how many local days of each week something was deployed.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 counts all projects together, under the name ''
-- param since datetime: start of the earliest day
-- param until datetime: end of the latest day
-- param days spans: [starts, ends) of each local day; part is the number of its week
-- column project text
-- column week integer
-- column days integer [days]: days of the week with at least one deployment
-- grain: one row a project and week with at least one deployment
SELECT
  d.project AS project,
  s.part AS week,
  COUNT(DISTINCT s.span) AS days
FROM (
  SELECT DISTINCT
    CASE WHEN :pooled = 1 THEN '' ELSE project END AS project,
    INTERVAL(TIMESTAMPDIFF(MICROSECOND, TIMESTAMP '1970-01-01 00:00:00', created_at), :days_edges) AS piece
  FROM (
    -- in the order of the index, so that the many changes of a deployment are one row
    SELECT DISTINCT project, phase_name, created_at
    FROM dora_metrics
    WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
  ) AS m
) AS d
JOIN JSON_TABLE(:days, '$[*]' COLUMNS (
  span INT PATH '$.span', part INT PATH '$.part', piece INT PATH '$.piece'
)) AS s ON s.piece = d.piece
GROUP BY d.project, s.part
ORDER BY project, week
