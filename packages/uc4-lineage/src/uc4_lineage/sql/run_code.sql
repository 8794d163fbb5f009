-- Where the code of a job is, as one of its runs told it last.
SELECT body #> '{job,facets,sourceCodeLocation}' AS place
FROM lineage.events
WHERE
    run_id = %(run)s
    AND jsonb_typeof(body #> '{job,facets,sourceCodeLocation}') = 'object'
ORDER BY event_time DESC, digest DESC
LIMIT 1
