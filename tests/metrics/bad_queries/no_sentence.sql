-- name: bad
-- column n integer
-- grain: one row
SELECT 1 AS n
