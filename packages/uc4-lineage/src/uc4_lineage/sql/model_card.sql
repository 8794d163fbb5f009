-- The newest card of a version of a model.
SELECT datasets.id, made.created_at, coalesce(made.facets #>> '{mlops_location,uri}', '')
FROM lineage.dataset_versions AS made
INNER JOIN lineage.datasets AS datasets ON made.dataset_id = datasets.id
WHERE
    upper(made.facets #>> '{datasetType,datasetType}') = 'MODEL_CARD'
    AND made.facets #>> '{mlops_model,name}' = %(model)s
    AND made.facets #>> '{mlops_model,version}' = %(version)s
ORDER BY made.created_at DESC
LIMIT 1
