-- Runs that began and of whose end nothing was heard; the longest ago first.
SELECT runs.id, runs.job_id, runs.state, runs.updated_at
FROM lineage.runs AS runs
INNER JOIN lineage.jobs AS jobs ON runs.job_id = jobs.id
WHERE
    NOT jobs.hidden
    AND runs.state NOT IN ('COMPLETED', 'FAILED', 'ABORTED')
    AND runs.updated_at < %(before)s
ORDER BY runs.updated_at, runs.id
