-- name: by_phase
-- The newest hundred rows of a phase, over all projects.
-- param phase text: phase_name
-- column project text
-- column cycle_id text
-- column feature_id text
-- column decision text
-- column duration_seconds decimal [seconds]
-- column created_at datetime
-- grain: one row a fact
SELECT project, cycle_id, feature_id, decision, duration_seconds, created_at
FROM dora_metrics
WHERE phase_name = :phase
ORDER BY created_at DESC
LIMIT 100
