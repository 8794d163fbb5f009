INSERT INTO lineage.run_facets AS old (run_id, name, facet, at, told_by)
SELECT run_id, name, coalesce(facet, 'null'), at, told_by
FROM json_to_recordset(%s) AS new (
    run_id uuid, name text, at timestamptz, told_by uuid, facet jsonb
)
ON CONFLICT (run_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, told_by = excluded.told_by
WHERE (excluded.at, excluded.told_by) >= (old.at, old.told_by)
