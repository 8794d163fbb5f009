SELECT facets.facet
FROM lineage.job_facets AS facets
INNER JOIN lineage.jobs AS jobs ON facets.job_id = jobs.id
WHERE
    jobs.namespace = %(namespace)s
    AND jobs.name = %(job)s
    AND facets.name = %(name)s
    AND NOT facets.deleted
