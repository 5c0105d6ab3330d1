-- name: unshipped_changes
-- Changes of changes files whose deployment is not stored, so that they are in no figure.
-- param projects text[]: the projects asked for
-- column project text
-- column changes integer [changes]
-- column example text: the deployment that one of them names
-- grain: one row a project that has such changes
SELECT
  m.project AS project,
  COUNT(*) AS changes,
  MIN(m.cycle_id) AS example
FROM dora_metrics AS m
WHERE m.project IN (:projects) AND m.phase_name = 'planning' AND m.source = 'changes'
  AND NOT EXISTS (
    SELECT 1 FROM dora_metrics AS d
    WHERE d.project = m.project AND d.cycle_id = m.cycle_id AND d.phase_name = 'deployment'
  )
GROUP BY m.project
ORDER BY project
