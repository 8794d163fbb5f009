-- The newest runs of each job that had begun at a time, as they were then.
SELECT
    jobs.id, runs.id AS run_id, runs.state,
    coalesce(runs.started_at, runs.created_at) AS started_at, runs.ended_at,
    coalesce(left(errors.facet ->> 'message', 500), '') AS error
FROM unnest(%(ids)s::integer[]) AS jobs (id)
CROSS JOIN LATERAL (
    SELECT
        newest.id, newest.started_at, newest.created_at,
        CASE
            WHEN newest.ended_at > %(at)s THEN 'RUNNING' ELSE newest.state
        END AS state,
        CASE WHEN newest.ended_at <= %(at)s THEN newest.ended_at END AS ended_at
    FROM lineage.runs AS newest
    WHERE newest.job_id = jobs.id AND newest.created_at <= %(at)s
    ORDER BY newest.created_at DESC, newest.id
    LIMIT %(most)s
) AS runs
LEFT JOIN lineage.run_facets AS errors
    ON
        runs.id = errors.run_id
        AND errors.name = 'errorMessage'
        AND runs.state NOT IN ('RUNNING', 'COMPLETED')
ORDER BY jobs.id, runs.created_at DESC, runs.id
