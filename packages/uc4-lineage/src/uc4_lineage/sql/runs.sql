-- Runs, the newest first, with the message of the error that ended them.
SELECT
    runs.id, runs.job_id, jobs.namespace, jobs.name, runs.state,
    coalesce(runs.started_at, runs.created_at) AS started_at,
    runs.ended_at, runs.parent_id,
    coalesce(errors.facet ->> 'message', '') AS error
FROM lineage.runs AS runs
INNER JOIN lineage.jobs AS jobs ON runs.job_id = jobs.id
LEFT JOIN lineage.run_facets AS errors
    ON runs.id = errors.run_id AND errors.name = 'errorMessage'
WHERE
    NOT jobs.hidden
    AND (%(job)s::integer IS NULL OR runs.job_id = %(job)s)
    AND (%(state)s::text IS NULL OR runs.state = %(state)s)
    AND (
        %(since)s::timestamptz IS NULL
        OR coalesce(runs.ended_at, runs.state_at) >= %(since)s
    )
ORDER BY started_at DESC, runs.id
LIMIT %(limit)s
