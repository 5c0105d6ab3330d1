-- name: lead_time_histogram
-- How many changes of the window have a lead time in each bin.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 counts all projects together, under the name ''
-- param since datetime: start of the window
-- param until datetime: end of the window
-- param bins json: [low, high) of each bin in seconds
-- column project text
-- column bin integer
-- column changes integer [changes]
-- grain: one row a project and bin that is not empty
SELECT
  CASE WHEN :pooled = 1 THEN '' ELSE m.project END AS project,
  b.bin AS bin,
  COUNT(*) AS changes
FROM JSON_TABLE(:bins, '$[*]' COLUMNS (
  bin INT PATH '$.bin', low DECIMAL(12,2) PATH '$.low', high DECIMAL(12,2) PATH '$.high'
)) AS b
JOIN dora_metrics AS m ON m.duration_seconds >= b.low AND m.duration_seconds < b.high
WHERE m.project IN (:projects) AND m.phase_name = 'deployment' AND m.feature_id <> ''
  AND m.created_at >= :since AND m.created_at < :until
GROUP BY CASE WHEN :pooled = 1 THEN '' ELSE m.project END, b.bin
ORDER BY project, bin
