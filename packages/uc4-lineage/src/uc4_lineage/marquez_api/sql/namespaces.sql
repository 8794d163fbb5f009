SELECT json_build_object(
    'namespaces', coalesce(json_agg(shown), '[]'),
    'totalCount', (SELECT count(*) FROM lineage.namespaces WHERE NOT hidden)
)
FROM (
    SELECT pg_temp.namespace(name) AS shown FROM lineage.namespaces
    WHERE NOT hidden ORDER BY name LIMIT %(limit)s OFFSET %(offset)s
) AS page;
