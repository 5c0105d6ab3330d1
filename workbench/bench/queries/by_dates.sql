-- name: by_dates
-- Every row of a span of time, over all projects.
-- param since datetime: start
-- param until datetime: end, exclusive
-- column project text
-- column phase_name text
-- column decision text
-- column duration_seconds decimal [seconds]
-- column created_at datetime
-- grain: one row a fact
SELECT project, phase_name, decision, duration_seconds, created_at
FROM dora_metrics
WHERE created_at >= :since AND created_at < :until
