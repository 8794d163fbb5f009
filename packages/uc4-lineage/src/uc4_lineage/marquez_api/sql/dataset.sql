SELECT pg_temp.dataset(pg_temp.dataset_id(%(namespace)s, %(dataset)s));
