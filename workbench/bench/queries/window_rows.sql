-- name: window_rows
-- Every deployment and incident row of a span of time, for somebody who computes the figures outside of the store.
-- param projects text[]: the projects
-- param since datetime: start
-- param until datetime: end, exclusive
-- column cycle_id text
-- column feature_id text
-- column phase_name text
-- column decision text
-- column duration_seconds decimal [seconds]
-- column charged_to text
-- column created_at datetime
-- grain: one row a fact
SELECT cycle_id, feature_id, phase_name, decision, duration_seconds, charged_to, created_at
FROM dora_metrics
WHERE project IN (:projects) AND phase_name IN ('deployment', 'maintenance') AND created_at >= :since AND created_at < :until
