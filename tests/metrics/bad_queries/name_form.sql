-- name: Bad Name
-- One sentence.
-- column n integer
-- grain: one row
SELECT 1 AS n
