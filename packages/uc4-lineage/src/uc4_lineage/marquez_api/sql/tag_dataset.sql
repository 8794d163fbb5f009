INSERT INTO lineage.dataset_tags (dataset_id, field, tag, tagged_at)
VALUES (
    pg_temp.dataset_id(%(namespace)s, %(dataset)s), %(field)s, %(tag)s, now()
)
ON CONFLICT (dataset_id, field, tag) DO NOTHING;
