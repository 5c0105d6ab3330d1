-- name: bad
-- One sentence.
-- param a text: one
-- param a text: two
-- column n integer
-- grain: one row
SELECT :a AS n
