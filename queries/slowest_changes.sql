-- name: slowest_changes
-- The changes with the longest lead times.
-- param projects text[]: the projects asked for
-- param since datetime: start of the window
-- param until datetime: end of the window
-- param size integer: how many
-- column project text
-- column deployed_at datetime
-- column deployment text: cycle_id
-- column deployment_title text: its tags or title
-- column change text: feature_id
-- column lead_time decimal [seconds]
-- column title text
-- column author text
-- column url text
-- grain: one row a change
SELECT
  m.project AS project,
  m.created_at AS deployed_at,
  m.cycle_id AS deployment,
  MAX(d.title) AS deployment_title,
  m.feature_id AS `change`,
  m.duration_seconds AS lead_time,
  MAX(f.title) AS title,
  MAX(f.author) AS author,
  MAX(f.url) AS url
FROM (
  SELECT project, created_at, cycle_id, feature_id, duration_seconds
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND feature_id <> '' AND duration_seconds IS NOT NULL
    AND created_at >= :since AND created_at < :until
  ORDER BY duration_seconds DESC, project, cycle_id, feature_id
  LIMIT :size
) AS m
LEFT JOIN features AS f ON f.project = m.project AND f.feature_id = m.feature_id
LEFT JOIN features AS d ON d.project = m.project AND d.feature_id = m.cycle_id
GROUP BY m.project, m.created_at, m.cycle_id, m.feature_id, m.duration_seconds
ORDER BY lead_time DESC, project, deployment, `change`
