SELECT pg_temp.dataset_id(%(namespace)s, %(name)s);
