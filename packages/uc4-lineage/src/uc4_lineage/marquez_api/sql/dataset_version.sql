SELECT pg_temp.dataset_version(
    pg_temp.dataset_id(%(namespace)s, %(dataset)s), %(version)s::uuid
);
