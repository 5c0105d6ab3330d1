-- name: bad
-- One sentence.
-- column n float
-- grain: one row
SELECT 1 AS n
