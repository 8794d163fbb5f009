-- The statement of a job as one of its runs told it last.
SELECT body #>> '{job,facets,sql,query}' AS query
FROM lineage.events
WHERE
    run_id = %(run)s
    AND job_namespace = %(namespace)s
    AND job_name = %(job)s
    AND jsonb_typeof(body #> '{job,facets,sql,query}') = 'string'
ORDER BY event_time DESC, digest DESC
LIMIT 1
