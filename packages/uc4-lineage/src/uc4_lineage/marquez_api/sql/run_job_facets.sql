-- The facets of its job that the events of a run tell.
SELECT json_build_object('runId', r.id, 'facets', (
    SELECT coalesce(jsonb_object_agg(f.key, f.value ORDER BY e.event_time, e.id), '{}')
    FROM lineage.events AS e
    CROSS JOIN LATERAL jsonb_each(
        CASE WHEN jsonb_typeof(e.body #> '{job,facets}') = 'object'
        THEN e.body #> '{job,facets}' ELSE '{}' END
    ) AS f
    WHERE e.run_id = r.id
))
FROM lineage.runs AS r
WHERE r.id = %(run)s::uuid;
