-- name: bad
-- One sentence.
-- param projects text[]: the projects
-- column n integer
-- grain: one row
SELECT COUNT(*) AS n /* never closed
FROM dora_metrics WHERE project IN (:projects)
