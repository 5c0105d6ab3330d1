-- name: bad
-- One sentence.
-- param projects text[]: the projects
-- column n integer
-- grain: one row
SELECT 'it''s' AS a,
  'never closed AS n FROM dora_metrics WHERE project IN (:projects)
