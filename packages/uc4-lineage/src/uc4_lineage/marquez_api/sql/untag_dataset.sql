DELETE FROM lineage.dataset_tags
WHERE dataset_id = pg_temp.dataset_id(%(namespace)s, %(dataset)s)
    AND field = %(field)s AND tag = %(tag)s;
