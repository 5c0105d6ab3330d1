-- name: bad
-- One sentence.
-- grain: one row
SELECT 1 AS n
