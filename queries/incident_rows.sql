-- name: incident_rows
-- Incidents with the deployment they are charged to and their recovery: one page, newest first.
-- param projects text[]: the projects asked for
-- param since datetime: start of the window
-- param until datetime: end of the window
-- param only text: all, charged or unlinked
-- param after_at datetime: began_at of the last row of the page before; the window's end for the first page
-- param after_project text: its project
-- param after_cycle text: the deployment it names
-- param after_feature text: its incident
-- param size integer: rows of a page
-- column project text
-- column began_at datetime
-- column incident text: feature_id
-- column names text: the deployment that its source names, or ''
-- column state text: open or fixed
-- column recovery_time decimal [seconds]: none while open
-- column charged_to text: cycle_id
-- column link_rule text: named, revert, time, unknown or none
-- column fixed_by text: cycle_id
-- column title text
-- column author text
-- column team text
-- column url text
-- grain: one row an incident
SELECT
  m.project AS project,
  m.created_at AS began_at,
  m.feature_id AS incident,
  m.cycle_id AS names,
  m.decision AS state,
  m.duration_seconds AS recovery_time,
  m.charged_to AS charged_to,
  m.link_rule AS link_rule,
  m.fixed_by AS fixed_by,
  MAX(f.title) AS title,
  MAX(f.author) AS author,
  MAX(f.team) AS team,
  MAX(f.url) AS url
FROM (
  SELECT project, created_at, cycle_id, feature_id, decision, duration_seconds, charged_to, link_rule, fixed_by
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'maintenance' AND link_rule <> 'replaced'
    AND created_at >= :since AND created_at < :until
    AND (:only = 'all' OR (:only = 'charged' AND charged_to IS NOT NULL) OR (:only = 'unlinked' AND charged_to IS NULL))
    AND (created_at < :after_at OR (created_at = :after_at AND (
      project > :after_project OR (project = :after_project AND (
        cycle_id > :after_cycle OR (cycle_id = :after_cycle AND feature_id > :after_feature))))))
  ORDER BY created_at DESC, project, cycle_id, feature_id
  LIMIT :size
) AS m
LEFT JOIN features AS f ON f.project = m.project AND f.feature_id = m.feature_id
GROUP BY m.project, m.created_at, m.cycle_id, m.feature_id, m.decision, m.duration_seconds, m.charged_to, m.link_rule, m.fixed_by
ORDER BY began_at DESC, project, names, incident
