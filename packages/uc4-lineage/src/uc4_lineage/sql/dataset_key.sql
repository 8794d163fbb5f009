SELECT id
FROM lineage.datasets
WHERE namespace = %(namespace)s AND name = %(name)s
UNION ALL
SELECT dataset_id
FROM lineage.symlinks
WHERE namespace = %(namespace)s AND name = %(name)s
LIMIT 1
