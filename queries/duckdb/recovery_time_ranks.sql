-- DuckDB's own text of ../recovery_time_ranks.sql: it sorts each group once, as a list, where a server ranks rows in a window.
WITH edge AS (
  SELECT MAKE_TIMESTAMP(UNNEST([:spans_edges]::BIGINT[])) AS at, GENERATE_SUBSCRIPTS([:spans_edges], 1) AS piece
),
span AS (
  SELECT UNNEST(FROM_JSON(:spans, '[{"span": "BIGINT", "piece": "BIGINT"}]'), recursive := TRUE)
),
duration AS (
  SELECT m.project, m.created_at, m.duration_seconds
  FROM dora_metrics AS m
  WHERE m.project IN (:projects) AND m.phase_name = 'maintenance' AND m.decision = 'fixed' AND m.charged_to IS NOT NULL
    AND m.duration_seconds IS NOT NULL AND m.created_at >= :since AND m.created_at < :until
),
counted AS (
  SELECT
    CASE WHEN :pooled = 1 THEN '' ELSE m.project END AS project,
    s.span AS span,
    COUNT(*) AS n,
    SUM(m.duration_seconds) AS total,
    LIST_SORT(LIST(m.duration_seconds)) AS sorted
  FROM duration AS m
  ASOF JOIN edge AS e ON m.created_at >= e.at
  JOIN span AS s ON s.piece = e.piece
  GROUP BY ALL
),
wanted AS (
  -- the middle two and the nearest rank of 90 %; then two either side of the normal approximation of each interval's ranks
  SELECT
    project,
    span,
    n,
    total,
    sorted,
    UNNEST(LIST_DISTINCT(LIST_CONCAT(
      [(n + 1) // 2, (n + 2) // 2, (9 * n + 9) // 10],
      RANGE(CAST(FLOOR(0.5 * n - 0.98 * SQRT(n)) AS BIGINT) - 2, CAST(FLOOR(0.5 * n - 0.98 * SQRT(n)) AS BIGINT) + 3),
      RANGE(CAST(FLOOR(0.5 * n + 0.98 * SQRT(n)) AS BIGINT) - 1, CAST(FLOOR(0.5 * n + 0.98 * SQRT(n)) AS BIGINT) + 4),
      RANGE(CAST(FLOOR(0.9 * n - 0.588 * SQRT(n)) AS BIGINT) - 2, CAST(FLOOR(0.9 * n - 0.588 * SQRT(n)) AS BIGINT) + 3),
      RANGE(CAST(FLOOR(0.9 * n + 0.588 * SQRT(n)) AS BIGINT) - 1, CAST(FLOOR(0.9 * n + 0.588 * SQRT(n)) AS BIGINT) + 4)
    ))) AS position
  FROM counted
)
SELECT project, span, n, total, position, sorted[position] AS seconds
FROM wanted
WHERE position BETWEEN 1 AND n
ORDER BY project, span, position
