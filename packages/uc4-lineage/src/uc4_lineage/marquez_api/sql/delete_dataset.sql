UPDATE lineage.datasets SET hidden = true
WHERE id = pg_temp.dataset_id(%(namespace)s, %(dataset)s)
RETURNING id;
