WITH told AS (
    SELECT of.id, v.version, v.run_id, v.latest, v.created_at
    FROM (SELECT pg_temp.job_id(%(namespace)s, %(job)s) AS id) AS of
    CROSS JOIN LATERAL pg_temp.job_versions(of.id) AS v
)
SELECT json_build_object(
    'versions', coalesce(
        json_agg(
            pg_temp.job_version_shown(id, version, run_id, latest, created_at)
            ORDER BY created_at DESC, version
        ),
        '[]'
    ),
    'totalCount', (SELECT count(*) FROM told)
)
FROM (
    SELECT * FROM told
    ORDER BY created_at DESC, version LIMIT %(limit)s OFFSET %(offset)s
) AS page
HAVING pg_temp.job_id(%(namespace)s, %(job)s) IS NOT NULL;
