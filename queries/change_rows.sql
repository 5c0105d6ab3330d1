-- name: change_rows
-- The changes behind the lead time: one page, newest deployment first.
-- param projects text[]: the projects asked for
-- param since datetime: start of the window
-- param until datetime: end of the window
-- param after_at datetime: deployed_at of the last row of the page before; the window's end for the first page
-- param after_project text: its project
-- param after_cycle text: its deployment
-- param after_feature text: its change
-- param size integer: rows of a page
-- column project text
-- column deployed_at datetime
-- column deployment text: cycle_id
-- column change text: feature_id
-- column lead_time decimal [seconds]: none for the first deployment of a history and for negative ones
-- column title text
-- column author text
-- column team text
-- column url text
-- grain: one row a change
SELECT
  m.project AS project,
  m.created_at AS deployed_at,
  m.cycle_id AS deployment,
  m.feature_id AS `change`,
  m.duration_seconds AS lead_time,
  f.title AS title,
  f.author AS author,
  f.team AS team,
  f.url AS url
FROM (
  SELECT project, created_at, cycle_id, feature_id, duration_seconds
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND feature_id <> ''
    AND created_at >= :since AND created_at < :until
    AND (created_at < :after_at OR (created_at = :after_at AND (
      project > :after_project OR (project = :after_project AND (
        cycle_id > :after_cycle OR (cycle_id = :after_cycle AND feature_id > :after_feature))))))
  ORDER BY created_at DESC, project, cycle_id, feature_id
  LIMIT :size
) AS m
LEFT JOIN (
  SELECT project, feature_id, MAX(title) AS title, MAX(author) AS author, MAX(team) AS team, MAX(url) AS url
  FROM features
  WHERE project IN (:projects)
  GROUP BY project, feature_id
) AS f ON f.project = m.project AND f.feature_id = m.feature_id
ORDER BY deployed_at DESC, project, deployment, `change`
