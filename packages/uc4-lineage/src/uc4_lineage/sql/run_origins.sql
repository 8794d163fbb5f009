-- What runs told of the columns that they wrote.
SELECT made.run_id, runs.job_id, made.dataset_id, made.facets -> 'columnLineage' AS told
FROM lineage.dataset_versions AS made
INNER JOIN lineage.runs AS runs ON made.run_id = runs.id
WHERE
    made.run_id = any(%(runs)s)
    AND jsonb_typeof(made.facets -> 'columnLineage') = 'object'
ORDER BY made.run_id, made.dataset_id
