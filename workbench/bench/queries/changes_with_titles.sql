-- name: changes_with_titles
-- The changes that a project shipped last, with title and author: one question instead of one more for each row.
-- param projects text[]: the project
-- param size integer: how many
-- column feature_id text
-- column title text
-- column author text
-- column created_at datetime
-- grain: one row a change
SELECT newest.feature_id, f.title, f.author, newest.created_at
FROM (
  SELECT project, feature_id, created_at
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment'
  ORDER BY created_at DESC, feature_id
  LIMIT :size
) AS newest
LEFT JOIN features AS f ON f.project = newest.project AND f.feature_id = newest.feature_id
ORDER BY newest.created_at DESC, newest.feature_id
