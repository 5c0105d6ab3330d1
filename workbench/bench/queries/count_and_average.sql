-- name: count_and_average
-- How many rows a phase has, and their mean duration, over all projects.
-- param phase text: phase_name
-- column facts integer [facts]: how many
-- column mean_seconds decimal [seconds]: of those that have a duration
-- grain: one row
SELECT COUNT(*) AS facts, CAST(AVG(duration_seconds) AS DECIMAL(12,2)) AS mean_seconds
FROM dora_metrics
WHERE phase_name = :phase
