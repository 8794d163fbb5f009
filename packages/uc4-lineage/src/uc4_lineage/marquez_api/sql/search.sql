WITH found AS (
    SELECT 'DATASET' AS type, namespace, name, updated_at
    FROM lineage.datasets
    WHERE named AND NOT hidden AND name ILIKE '%%' || %(q)s || '%%' ESCAPE ''
    UNION ALL
    SELECT 'JOB', namespace, name, updated_at
    FROM lineage.jobs
    WHERE NOT hidden AND name ILIKE '%%' || %(q)s || '%%' ESCAPE ''
), chosen AS (
    SELECT *
    FROM found
    WHERE (%(filter)s::text IS NULL OR type = %(filter)s)
        AND (%(namespace)s::text IS NULL OR namespace = %(namespace)s)
        AND (%(before)s::date IS NULL OR updated_at < %(before)s::date)
        AND (%(after)s::date IS NULL OR updated_at > %(after)s::date)
)
SELECT json_build_object(
    'totalCount', (SELECT count(*) FROM chosen),
    'results', coalesce(json_agg(shown), '[]')
)
FROM (
    SELECT json_build_object(
        'type', type,
        'name', name,
        'updatedAt', pg_temp.instant(updated_at),
        'namespace', namespace,
        'nodeId', concat_ws(':', lower(type), namespace, name)
    ) AS shown
    FROM chosen
    ORDER BY
        CASE WHEN %(sort)s <> 'name' THEN updated_at END DESC,
        name, namespace, type
    LIMIT %(limit)s OFFSET %(offset)s
) AS page;
