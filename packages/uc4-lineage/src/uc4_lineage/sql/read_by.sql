-- What a run read, and which version of it where that is told.
SELECT dataset_id, coalesce(version, '') AS version
FROM lineage.run_datasets
WHERE run_id = %(run)s AND direction = 'r'
ORDER BY dataset_id
