-- name: incident_counts
-- The incidents that began in each span: charged ones that are fixed or still open, and those charged to no deployment.
-- param projects text[]: the projects asked for
-- param pooled integer: 1 counts all projects together, under the name ''
-- param since datetime: start of the earliest span
-- param until datetime: end of the latest span
-- param spans json: [starts, ends) of each span
-- column project text
-- column span integer
-- column incidents integer [incidents]: all but git reverts that an incidents file replaces
-- column fixed integer [incidents]: charged to a deployment and fixed
-- column open integer [incidents]: charged to a deployment and not fixed
-- column oldest_open datetime: when the first of the open ones began
-- column unlinked integer [incidents]: charged to no deployment
-- column replaced integer [reverts]: git reverts in time that an incidents file covers; they count nowhere
-- grain: one row a project and span with at least one incident
SELECT /*+ INDEX(m dora_metrics_window) */
  CASE WHEN :pooled = 1 THEN '' ELSE m.project END AS project,
  s.span AS span,
  SUM(CASE WHEN m.link_rule <> 'replaced' THEN 1 ELSE 0 END) AS incidents,
  SUM(CASE WHEN m.charged_to IS NOT NULL AND m.decision = 'fixed' THEN 1 ELSE 0 END) AS fixed,
  SUM(CASE WHEN m.charged_to IS NOT NULL AND m.decision <> 'fixed' THEN 1 ELSE 0 END) AS open,
  MIN(CASE WHEN m.charged_to IS NOT NULL AND m.decision <> 'fixed' THEN m.created_at END) AS oldest_open,
  SUM(CASE WHEN m.charged_to IS NULL AND m.link_rule <> 'replaced' THEN 1 ELSE 0 END) AS unlinked,
  SUM(CASE WHEN m.link_rule = 'replaced' THEN 1 ELSE 0 END) AS replaced
FROM JSON_TABLE(:spans, '$[*]' COLUMNS (
  span INT PATH '$.span', starts DATETIME(6) PATH '$.starts', ends DATETIME(6) PATH '$.ends'
)) AS s
JOIN dora_metrics AS m ON m.created_at >= s.starts AND m.created_at < s.ends
WHERE m.project IN (:projects) AND m.phase_name = 'maintenance' AND m.created_at >= :since AND m.created_at < :until
GROUP BY CASE WHEN :pooled = 1 THEN '' ELSE m.project END, s.span
ORDER BY project, span
