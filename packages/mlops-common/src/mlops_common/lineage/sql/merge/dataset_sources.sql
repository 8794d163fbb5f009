-- Notes the source of datasets whose facet `dataSource` may be another now.
UPDATE lineage.datasets AS dataset SET source = told.facet ->> 'name'
FROM json_to_recordset(%s) AS new (dataset_id integer)
JOIN lineage.dataset_facets AS told
    ON told.dataset_id = new.dataset_id AND told.name = 'dataSource'
WHERE dataset.id = new.dataset_id
    AND dataset.source IS DISTINCT FROM told.facet ->> 'name'
