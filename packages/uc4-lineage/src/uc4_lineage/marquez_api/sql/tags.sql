SELECT json_build_object(
    'tags', coalesce(json_agg(shown), '[]'),
    'totalCount', (SELECT count(*) FROM lineage.tags)
)
FROM (
    SELECT json_build_object('name', name, 'description', description) AS shown
    FROM lineage.tags ORDER BY name LIMIT %(limit)s OFFSET %(offset)s
) AS page;
