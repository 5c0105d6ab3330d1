-- name: suspicious_dates
-- Rows dated after now or before 1990, which are more often a wrong clock than the truth.
-- param projects text[]: the projects asked for
-- param now datetime: the time of the question
-- column project text
-- column future integer [rows]: dated after now
-- column ancient integer [rows]: dated before 1990
-- column earliest datetime
-- column latest datetime
-- grain: one row a project that has such rows
SELECT
  project,
  SUM(CASE WHEN created_at > :now THEN 1 ELSE 0 END) AS future,
  SUM(CASE WHEN created_at < '1990-01-01' THEN 1 ELSE 0 END) AS ancient,
  MIN(created_at) AS earliest,
  MAX(created_at) AS latest
FROM dora_metrics
WHERE project IN (:projects) AND (created_at > :now OR created_at < '1990-01-01')
GROUP BY project
ORDER BY project
