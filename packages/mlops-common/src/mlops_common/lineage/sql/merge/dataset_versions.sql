INSERT INTO lineage.dataset_versions AS old (
    id, dataset_id, run_id, facets, told, created_at
)
SELECT id, dataset_id, run_id, facets, told, at
FROM json_to_recordset(%s) AS new (
    id uuid, dataset_id integer, run_id uuid, at timestamptz, facets jsonb, told jsonb
)
ON CONFLICT (id) DO UPDATE SET
    facets = lineage.newest(old.facets, old.told, excluded.facets, excluded.told),
    told = lineage.newest(old.told, old.told, excluded.told, excluded.told),
    created_at = greatest(old.created_at, excluded.created_at)
