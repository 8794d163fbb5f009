SELECT json_build_object(
    'runs', coalesce(
        json_agg(pg_temp.run(page.id) ORDER BY page.created_at DESC, page.id)
            FILTER (WHERE page.id IS NOT NULL),
        '[]'
    ),
    'totalCount', (SELECT count(*) FROM lineage.runs WHERE job_id = of.id)
)
FROM (SELECT pg_temp.job_id(%(namespace)s, %(job)s) AS id) AS of
LEFT JOIN LATERAL (
    SELECT id, created_at FROM lineage.runs
    WHERE job_id = of.id
    ORDER BY created_at DESC, id LIMIT %(limit)s OFFSET %(offset)s
) AS page ON true
WHERE of.id IS NOT NULL
GROUP BY of.id;
