INSERT INTO lineage.dataset_facets AS old (
    dataset_id, name, facet, at, run_id, told_by, deleted
)
SELECT dataset_id, name, coalesce(facet, 'null'), at, run_id, told_by, deleted
FROM json_to_recordset(%s) AS new (
    dataset_id integer, name text, at timestamptz, told_by uuid, run_id uuid,
    deleted boolean, facet jsonb
)
ON CONFLICT (dataset_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, run_id = excluded.run_id,
    told_by = excluded.told_by, deleted = excluded.deleted
WHERE (excluded.at, excluded.told_by) >= (old.at, old.told_by)
