-- name: newest_changes
-- The changes that a project shipped last, by id: what a page of a list shows before it asks for titles.
-- param projects text[]: the project
-- param size integer: how many
-- column feature_id text
-- column created_at datetime
-- grain: one row a change
SELECT feature_id, created_at
FROM dora_metrics
WHERE project IN (:projects) AND phase_name = 'deployment'
ORDER BY created_at DESC, feature_id
LIMIT :size
