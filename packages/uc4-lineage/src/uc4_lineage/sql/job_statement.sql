-- The statement of a job as it told it last before a time; else as it did after.
SELECT body #>> '{job,facets,sql,query}' AS query
FROM lineage.events
WHERE
    job_namespace = %(namespace)s
    AND job_name = %(job)s
    AND jsonb_typeof(body #> '{job,facets,sql,query}') = 'string'
ORDER BY
    event_time <= %(at)s DESC,
    CASE WHEN event_time <= %(at)s THEN event_time END DESC,
    event_time ASC,
    digest DESC
LIMIT 1
