SELECT json_build_object(
    'sources', coalesce(json_agg(shown), '[]'),
    'totalCount', (SELECT count(*) FROM pg_temp.sources)
)
FROM (
    SELECT pg_temp.source(name) AS shown FROM pg_temp.sources
    ORDER BY name LIMIT %(limit)s OFFSET %(offset)s
) AS page;
