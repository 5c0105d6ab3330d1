-- name: bad
-- One sentence.
-- param day date: a day
-- column n integer
-- grain: one row
SELECT :day AS n
