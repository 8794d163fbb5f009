SELECT pg_temp.job_version_shown(
    of.id, v.version, v.run_id, v.latest, v.created_at
)
FROM (SELECT pg_temp.job_id(%(namespace)s, %(job)s) AS id) AS of
CROSS JOIN LATERAL pg_temp.job_versions(of.id) AS v
WHERE v.version = %(version)s::uuid;
