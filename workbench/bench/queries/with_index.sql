-- name: with_index
-- Every row of one change, which an index finds where there are indexes.
-- param feature text: feature_id
-- column project text
-- column cycle_id text
-- column phase_name text
-- column created_at datetime
-- grain: one row a fact
SELECT project, cycle_id, phase_name, created_at
FROM dora_metrics
WHERE feature_id = :feature
