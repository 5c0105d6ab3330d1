-- name: without_index
-- How many rows have a decision, which no index begins with.
-- param decision text: decision
-- column facts integer [facts]: how many
-- grain: one row
SELECT COUNT(*) AS facts
FROM dora_metrics
WHERE decision = :decision
