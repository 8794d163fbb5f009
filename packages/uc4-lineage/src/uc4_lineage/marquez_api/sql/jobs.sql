-- Of all namespaces where none is named.
WITH chosen AS (
    SELECT j.id, j.updated_at
    FROM lineage.jobs AS j
    WHERE NOT j.hidden
        AND (%(namespace)s::text IS NULL OR j.namespace = %(namespace)s)
        AND (%(states)s::text[] IS NULL OR EXISTS (
            SELECT FROM lineage.runs AS r
            WHERE r.id = pg_temp.latest_run(j.id) AND r.state = ANY(%(states)s)
        ))
)
SELECT json_build_object(
    'jobs', coalesce(json_agg(pg_temp.job(id) ORDER BY updated_at DESC, id), '[]'),
    'totalCount', (SELECT count(*) FROM chosen)
)
FROM (
    SELECT id, updated_at FROM chosen
    ORDER BY updated_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
) AS page;
