-- name: one_title
-- The title and author of one change.
-- param projects text[]: the project
-- param feature text: feature_id
-- column title text
-- column author text
-- grain: one row a source that names it
SELECT title, author
FROM features
WHERE project IN (:projects) AND feature_id = :feature
