-- name: bad
-- One sentence.
-- param projects text[]: the projects
-- column n integer
-- grain: one row
SELECT COUNT(*) AS n FROM dora_metrics -- :projects only in a comment
