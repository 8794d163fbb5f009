-- The facets of jobs as text; of a very long one only the beginning.
SELECT
    facets.job_id AS id, facets.name,
    left(told.text, %(longest)s) AS text, length(told.text) AS size
FROM lineage.job_facets AS facets
CROSS JOIN LATERAL (SELECT facets.facet::text AS text) AS told
WHERE facets.job_id = ANY(%(ids)s::integer[]) AND NOT facets.deleted
ORDER BY id, facets.name
