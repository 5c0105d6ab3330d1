-- name: lead_time_ranks
-- Lead times of the changes that each span's deployments shipped: count, sum, and the ranks that quantiles need.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 takes the rows of all projects together, under the name ''
-- param since datetime: start of the earliest span
-- param until datetime: end of the latest span
-- param spans json: [starts, ends) of each span
-- column project text
-- column span integer
-- column n integer [changes]: how many have a duration
-- column total total [seconds]: the sum of all durations
-- column position integer: rank by duration, from 1
-- column seconds decimal [seconds]: the duration at that rank
-- grain: one row a project, span and rank that a median, a p90 or their 95 % interval can need
WITH ranked AS (
  SELECT
    CASE WHEN :pooled = 1 THEN '' ELSE m.project END AS project,
    s.span AS span,
    m.duration_seconds AS seconds,
    ROW_NUMBER() OVER (PARTITION BY CASE WHEN :pooled = 1 THEN '' ELSE m.project END, s.span ORDER BY m.duration_seconds) AS position
  FROM JSON_TABLE(:spans, '$[*]' COLUMNS (
    span INT PATH '$.span', starts DATETIME(6) PATH '$.starts', ends DATETIME(6) PATH '$.ends'
  )) AS s
  -- in this order: MySQL would keep the many rows in memory and go through them once for every span
  STRAIGHT_JOIN dora_metrics AS m ON m.created_at >= s.starts AND m.created_at < s.ends
  WHERE m.project IN (:projects) AND m.phase_name = 'deployment' AND m.feature_id <> ''
    AND m.duration_seconds IS NOT NULL AND m.created_at >= :since AND m.created_at < :until
),
counted AS (
  -- the middle two and the nearest rank of 90 %; then the normal approximation of each interval's ranks: within two of it
  -- lies the exact binomial rank (a test holds it)
  SELECT
    project,
    span,
    COUNT(*) AS n,
    SUM(seconds) AS total,
    (COUNT(*) + 1) DIV 2 AS middle,
    (COUNT(*) + 2) DIV 2 AS other_middle,
    (9 * COUNT(*) + 9) DIV 10 AS p90,
    FLOOR(0.5 * COUNT(*) - 0.98 * SQRT(COUNT(*))) AS median_low,
    FLOOR(0.5 * COUNT(*) + 0.98 * SQRT(COUNT(*))) + 1 AS median_high,
    FLOOR(0.9 * COUNT(*) - 0.588 * SQRT(COUNT(*))) AS p90_low,
    FLOOR(0.9 * COUNT(*) + 0.588 * SQRT(COUNT(*))) + 1 AS p90_high
  FROM ranked
  GROUP BY project, span
)
SELECT r.project AS project, r.span AS span, c.n AS n, c.total AS total, r.position AS position, r.seconds AS seconds
FROM ranked AS r
JOIN counted AS c ON c.project = r.project AND c.span = r.span
WHERE r.position IN (c.middle, c.other_middle, c.p90)
  OR r.position BETWEEN c.median_low - 2 AND c.median_low + 2
  OR r.position BETWEEN c.median_high - 2 AND c.median_high + 2
  OR r.position BETWEEN c.p90_low - 2 AND c.p90_low + 2
  OR r.position BETWEEN c.p90_high - 2 AND c.p90_high + 2
ORDER BY project, span, position
