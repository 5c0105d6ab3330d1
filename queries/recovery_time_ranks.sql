-- name: recovery_time_ranks
-- Recovery times of the fixed incidents that began in each span and are charged to a deployment: count, sum, and the ranks that quantiles need.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 takes the rows of all projects together, under the name ''
-- param since datetime: start of the earliest span
-- param until datetime: end of the latest span
-- param spans spans: [starts, ends) of each span
-- column project text
-- column span integer
-- column n integer [incidents]: how many have a duration
-- column total total [seconds]: the sum of all durations
-- column position integer: rank by duration, from 1
-- column seconds decimal [seconds]: the duration at that rank
-- grain: one row a project, span and rank that a median, a p90 or their 95 % interval can need
SELECT project, span, n, total, position, seconds
FROM (
  SELECT
    project,
    span,
    seconds,
    -- MySQL keeps one window with a frame in memory once, and two windows with a copy of every row; MariaDB allows no
    -- frame here, and has no such cost. Each server reads the comments that are for it.
    ROW_NUMBER() OVER w AS position,
    COUNT(*) OVER /*!80400 w */ /*M! (PARTITION BY project, span) */ AS n,
    SUM(seconds) OVER /*!80400 w */ /*M! (PARTITION BY project, span) */ AS total
  FROM (
    SELECT CASE WHEN :pooled = 1 THEN '' ELSE m.project END AS project, s.span AS span, m.duration_seconds AS seconds
    FROM dora_metrics AS m
    -- in this order, and the spans as a table with a key: the many rows are read once, and each finds its spans at once
    STRAIGHT_JOIN (
      SELECT span, piece
      FROM JSON_TABLE(:spans, '$[*]' COLUMNS (span INT PATH '$.span', piece INT PATH '$.piece')) AS j
      GROUP BY piece, span
    ) AS s
      ON s.piece = INTERVAL(TIMESTAMPDIFF(MICROSECOND, TIMESTAMP '1970-01-01 00:00:00', m.created_at), :spans_edges)
    WHERE m.project IN (:projects) AND m.phase_name = 'maintenance' AND m.decision = 'fixed' AND m.charged_to IS NOT NULL
      AND m.duration_seconds IS NOT NULL AND m.created_at >= :since AND m.created_at < :until
  ) AS duration
  WINDOW w AS (
    PARTITION BY project, span ORDER BY seconds
    /*!80400 ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING */
  )
) AS r
-- the middle two and the nearest rank of 90 %; then the normal approximation of each interval's ranks: within two of it
-- lies the exact binomial rank (a test holds it)
WHERE position IN ((n + 1) DIV 2, (n + 2) DIV 2, (9 * n + 9) DIV 10)
  OR position - FLOOR(0.5E0 * n - 0.98E0 * SQRT(n)) BETWEEN -2 AND 2
  OR position - FLOOR(0.5E0 * n + 0.98E0 * SQRT(n)) BETWEEN -1 AND 3
  OR position - FLOOR(0.9E0 * n - 0.588E0 * SQRT(n)) BETWEEN -2 AND 2
  OR position - FLOOR(0.9E0 * n + 0.588E0 * SQRT(n)) BETWEEN -1 AND 3
ORDER BY project, span, position
