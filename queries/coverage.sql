-- name: coverage
-- What time each source covers in each project, and when it was last imported.
-- param projects text[]: the projects asked for
-- column project text
-- column source text: git, deployments, changes, incidents or export
-- column covered_from datetime
-- column covered_to datetime: exclusive
-- column imports integer [imports]
-- column imported_rows integer [rows]: rows of all imports
-- column rejected integer [rows]: rows that were refused
-- column knows_failures integer: 1 if an import of deployments says which of them failed
-- column imported_at datetime: time of the latest import
-- grain: one row a project and source
SELECT
  project,
  source,
  MIN(covered_from) AS covered_from,
  MAX(covered_to) AS covered_to,
  COUNT(*) AS imports,
  SUM(rows_read) AS imported_rows,
  SUM(rejected) AS rejected,
  MAX(CASE WHEN notes LIKE '%"knows_failures"%' THEN 1 ELSE 0 END) AS knows_failures,
  MAX(imported_at) AS imported_at
FROM imports
WHERE project IN (:projects)
GROUP BY project, source
ORDER BY project, source
