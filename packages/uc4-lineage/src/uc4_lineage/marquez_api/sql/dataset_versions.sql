SELECT json_build_object(
    'versions', coalesce(
        json_agg(
            pg_temp.dataset_version(of.id, page.id) ORDER BY page.created_at DESC, page.id
        ) FILTER (WHERE page.id IS NOT NULL),
        '[]'
    ),
    'totalCount', (SELECT count(*) FROM pg_temp.versions WHERE dataset_id = of.id)
)
FROM (SELECT pg_temp.dataset_id(%(namespace)s, %(dataset)s) AS id) AS of
LEFT JOIN LATERAL (
    SELECT id, created_at FROM pg_temp.versions
    WHERE dataset_id = of.id
    ORDER BY created_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
) AS page ON true
WHERE of.id IS NOT NULL
GROUP BY of.id;
