-- name: bad
-- One sentence.
-- param projects text[]: the projects
-- column n integer
-- grain: one row
SELECT 'a\\' AS a, 'b\' AS n WHERE :projects
