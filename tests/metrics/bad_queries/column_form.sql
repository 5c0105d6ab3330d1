-- name: bad
-- One sentence.
-- column N-N integer
-- grain: one row
SELECT 1 AS n
