-- name: missing_lead_times
-- Changes of the window without a lead time, by reason.
-- param projects text[]: the projects asked for
-- param since datetime: start of the window
-- param until datetime: end of the window
-- column project text
-- column reason text: first (first deployment of a history), negative (clock skew) or unknown
-- column deployments integer [deployments]
-- column changes integer [changes]
-- grain: one row a project and reason
SELECT
  project,
  reason,
  COUNT(DISTINCT cycle_id) AS deployments,
  COUNT(*) AS changes
FROM (
  SELECT
    project,
    cycle_id,
    CASE
      WHEN metadata LIKE '%"no_lead_time"%"first"%' THEN 'first'
      WHEN metadata LIKE '%"no_lead_time"%"negative"%' THEN 'negative'
      ELSE 'unknown'
    END AS reason
  FROM dora_metrics
  WHERE project IN (:projects) AND phase_name = 'deployment' AND feature_id <> '' AND duration_seconds IS NULL
    AND created_at >= :since AND created_at < :until
) AS m
GROUP BY project, reason
ORDER BY project, reason
