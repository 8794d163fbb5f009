-- What the store knows of jobs besides their facets and runs.
SELECT
    jobs.id, jobs.created_at, jobs.updated_at,
    ARRAY(
        SELECT tags.tag
        FROM lineage.job_tags AS tags
        WHERE tags.job_id = jobs.id
        ORDER BY tags.tag
    ) AS tags
FROM lineage.jobs AS jobs
WHERE jobs.id = ANY(%(ids)s::integer[])
