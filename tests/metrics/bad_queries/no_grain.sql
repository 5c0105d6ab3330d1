-- name: bad
-- One sentence.
-- column n integer
SELECT 1 AS n
