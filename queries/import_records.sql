-- name: import_records
-- The latest imports with what their sources said about themselves.
-- param projects text[]: the projects asked for
-- param size integer: how many
-- column project text
-- column source text
-- column origin text: name of the repository or file
-- column covered_from datetime
-- column covered_to datetime
-- column rows_read integer [rows]
-- column rejected integer [rows]: of the whole file
-- column imported_at datetime
-- column digest text
-- column notes text: JSON
-- grain: one row a project and import
SELECT project, source, origin, covered_from, covered_to, rows_read, rejected, imported_at, digest, notes
FROM imports
WHERE project IN (:projects)
ORDER BY imported_at DESC, project, source, digest
LIMIT :size
