SELECT json_build_object(
    'datasets', coalesce(json_agg(pg_temp.dataset(id) ORDER BY name), '[]'),
    'totalCount', (
        SELECT count(*) FROM lineage.datasets
        WHERE namespace = %(namespace)s AND named AND NOT hidden
    )
)
FROM (
    SELECT id, name FROM lineage.datasets
    WHERE namespace = %(namespace)s AND named AND NOT hidden
    ORDER BY name LIMIT %(limit)s OFFSET %(offset)s
) AS page;
