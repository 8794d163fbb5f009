-- The facets of the last run of each job as text; of a very long one the beginning.
SELECT
    jobs.id, facets.name,
    left(told.text, %(longest)s) AS text, length(told.text) AS size
FROM unnest(%(ids)s::integer[]) AS jobs (id)
CROSS JOIN LATERAL (
    SELECT runs.id
    FROM lineage.runs AS runs
    WHERE runs.job_id = jobs.id AND runs.created_at <= %(at)s
    ORDER BY runs.created_at DESC, runs.id
    LIMIT 1
) AS last_run
INNER JOIN lineage.run_facets AS facets ON last_run.id = facets.run_id
CROSS JOIN LATERAL (SELECT facets.facet::text AS text) AS told
ORDER BY jobs.id, facets.name
