-- Runs as they stood at a time, the newest first, with the message of the error that
-- had ended them.
WITH standing AS (
    SELECT
        id, job_id, parent_id,
        CASE
            WHEN ended_at <= %(at)s THEN state
            WHEN started_at <= %(at)s THEN 'RUNNING'
            ELSE 'NEW'
        END AS state,
        CASE WHEN started_at <= %(at)s THEN started_at ELSE created_at END AS started_at,
        CASE WHEN ended_at <= %(at)s THEN ended_at END AS ended_at
    FROM lineage.runs
    WHERE created_at <= %(at)s
)
SELECT
    runs.id, runs.job_id, jobs.namespace, jobs.name, runs.state, runs.started_at,
    runs.ended_at, runs.parent_id,
    coalesce(errors.facet ->> 'message', '') AS error
FROM standing AS runs
INNER JOIN lineage.jobs AS jobs ON runs.job_id = jobs.id
LEFT JOIN lineage.run_facets AS errors
    ON
        runs.id = errors.run_id
        AND errors.name = 'errorMessage'
        AND errors.at <= %(at)s
WHERE
    NOT jobs.hidden
    AND (%(job)s::integer IS NULL OR runs.job_id = %(job)s)
    AND (%(state)s::text IS NULL OR runs.state = %(state)s)
    AND (
        %(since)s::timestamptz IS NULL
        OR coalesce(runs.ended_at, runs.started_at) >= %(since)s
    )
ORDER BY runs.started_at DESC, runs.id
LIMIT %(limit)s
