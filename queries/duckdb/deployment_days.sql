-- DuckDB's own text of ../deployment_days.sql: planning a CASE over the edges of 180 days takes longer than all the rest.
WITH edges AS (
  SELECT [:days_edges]::BIGINT[] AS bounds
),
edge AS (
  SELECT MAKE_TIMESTAMP(UNNEST(bounds)) AS at, GENERATE_SUBSCRIPTS(bounds, 1) AS piece FROM edges
),
day AS (
  SELECT UNNEST(FROM_JSON(:days, '[{"span": "BIGINT", "part": "BIGINT", "piece": "BIGINT"}]'), recursive := TRUE)
),
deployment AS (
  SELECT DISTINCT CASE WHEN :pooled = 1 THEN '' ELSE project END AS project, created_at
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND created_at >= :since AND created_at < :until
)
SELECT
  d.project AS project,
  day.part AS week,
  COUNT(DISTINCT day.span) AS days
FROM deployment AS d
ASOF JOIN edge AS e ON d.created_at >= e.at
JOIN day ON day.piece = e.piece
GROUP BY d.project, day.part
ORDER BY project, week
