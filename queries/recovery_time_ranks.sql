-- name: recovery_time_ranks
-- Recovery times of the fixed incidents that began in each span and are charged to a deployment: count, sum, and the ranks that quantiles need.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 takes the rows of all projects together, under the name ''
-- param since datetime: start of the earliest span
-- param until datetime: end of the latest span
-- param spans json: [starts, ends) of each span
-- column project text
-- column span integer
-- column n integer [incidents]: how many have a duration
-- column total total [seconds]: the sum of all durations
-- column position integer: rank by duration, from 1
-- column seconds decimal [seconds]: the duration at that rank
-- grain: one row a project, span and rank that a median, a p90 or their 95 % interval can need
WITH ranked AS (
  SELECT
    CASE WHEN :pooled = 1 THEN '' ELSE m.project END AS project,
    s.span AS span,
    m.duration_seconds AS seconds,
    ROW_NUMBER() OVER (PARTITION BY CASE WHEN :pooled = 1 THEN '' ELSE m.project END, s.span ORDER BY m.duration_seconds) AS position,
    COUNT(*) OVER (PARTITION BY CASE WHEN :pooled = 1 THEN '' ELSE m.project END, s.span) AS n,
    SUM(m.duration_seconds) OVER (PARTITION BY CASE WHEN :pooled = 1 THEN '' ELSE m.project END, s.span) AS total
  FROM JSON_TABLE(:spans, '$[*]' COLUMNS (
    span INT PATH '$.span', starts DATETIME(6) PATH '$.starts', ends DATETIME(6) PATH '$.ends'
  )) AS s
  JOIN dora_metrics AS m ON m.created_at >= s.starts AND m.created_at < s.ends
  WHERE m.project IN (:projects) AND m.phase_name = 'maintenance' AND m.decision = 'fixed' AND m.charged_to IS NOT NULL
    AND m.duration_seconds IS NOT NULL AND m.created_at >= :since AND m.created_at < :until
)
SELECT project, span, n, total, position, seconds
FROM ranked
-- the middle two and the nearest rank of 90 %; then two either side of the normal approximation of each interval's ranks,
-- among which the exact binomial rank lies (a test holds it)
WHERE position IN ((n + 1) DIV 2, (n + 2) DIV 2, (9 * n + 9) DIV 10)
  OR ABS(position - FLOOR(0.5 * n - 0.98 * SQRT(n))) <= 2
  OR ABS(position - FLOOR(0.5 * n + 0.98 * SQRT(n)) - 1) <= 2
  OR ABS(position - FLOOR(0.9 * n - 0.588 * SQRT(n))) <= 2
  OR ABS(position - FLOOR(0.9 * n + 0.588 * SQRT(n)) - 1) <= 2
ORDER BY project, span, position
