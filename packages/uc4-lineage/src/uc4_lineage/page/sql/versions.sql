-- The newest versions of each dataset at a time, and the run that made each.
SELECT
    datasets.id, versions.version, versions.created_at, versions.lifecycle,
    versions.rows, versions.size, runs.state,
    jobs.namespace AS job_namespace, jobs.name AS job_name
FROM unnest(%(ids)s::integer[]) AS datasets (id)
CROSS JOIN LATERAL (
    SELECT
        newest.id, newest.version, newest.created_at, newest.lifecycle, newest.run_id,
        newest.facets #>> '{outputStatistics,rowCount}' AS rows,
        newest.facets #>> '{outputStatistics,size}' AS size
    FROM lineage.dataset_versions AS newest
    WHERE newest.dataset_id = datasets.id AND newest.created_at <= %(at)s
    ORDER BY newest.created_at DESC, newest.id
    LIMIT %(most)s
) AS versions
LEFT JOIN lineage.runs AS runs ON versions.run_id = runs.id
LEFT JOIN lineage.jobs AS jobs ON runs.job_id = jobs.id
ORDER BY datasets.id, versions.created_at DESC, versions.id
