-- What runs told of a version of a model; what trained it told most.
SELECT made.facets -> 'mlops_model' AS facts
FROM lineage.dataset_versions AS made
WHERE
    made.dataset_id = %(dataset)s
    AND made.version = %(version)s
    AND jsonb_typeof(made.facets -> 'mlops_model') = 'object'
ORDER BY made.created_at, made.id
LIMIT 1
