SELECT datasets.namespace, datasets.name, facets.facet ->> 'datasetType' AS type
FROM lineage.dataset_facets AS facets
INNER JOIN lineage.datasets AS datasets ON facets.dataset_id = datasets.id
WHERE
    facets.name = 'datasetType'
    AND NOT facets.deleted
    AND facets.facet ->> 'datasetType' IS NOT NULL
