-- What events told of what a dataset is: its type, and where its data are.
SELECT
    datasets.namespace, datasets.name,
    coalesce(max(facets.facet ->> 'datasetType'), '') AS type,
    coalesce(max(facets.facet ->> 'uri'), '') AS source
FROM lineage.dataset_facets AS facets
INNER JOIN lineage.datasets AS datasets ON facets.dataset_id = datasets.id
WHERE facets.name IN ('datasetType', 'dataSource') AND NOT facets.deleted
GROUP BY datasets.id, datasets.namespace, datasets.name
