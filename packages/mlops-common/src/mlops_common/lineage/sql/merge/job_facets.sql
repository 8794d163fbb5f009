INSERT INTO lineage.job_facets AS old (job_id, name, facet, at, told_by, deleted)
SELECT job_id, name, coalesce(facet, 'null'), at, told_by, deleted
FROM json_to_recordset(%s) AS new (
    job_id integer, name text, at timestamptz, told_by uuid, deleted boolean,
    facet jsonb
)
ON CONFLICT (job_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, told_by = excluded.told_by,
    deleted = excluded.deleted
WHERE (excluded.at, excluded.told_by) >= (old.at, old.told_by)
