-- Keeps the earliest claim of each name; returns the names whose claim is another now.
INSERT INTO lineage.symlinks AS old (
    namespace, name, type, target_namespace, target_name, at, told_by
)
SELECT namespace, name, type, target_namespace, target_name, at, told_by
FROM json_to_recordset(%s) AS new (
    namespace text, name text, type text, target_namespace text, target_name text,
    at timestamptz, told_by uuid
)
ON CONFLICT (namespace, name) DO UPDATE SET
    type = excluded.type,
    target_namespace = excluded.target_namespace,
    target_name = excluded.target_name,
    at = excluded.at,
    told_by = excluded.told_by
WHERE (
    excluded.at, excluded.told_by, excluded.target_namespace COLLATE "C",
    excluded.target_name COLLATE "C", excluded.type COLLATE "C"
) < (
    old.at, old.told_by, old.target_namespace COLLATE "C",
    old.target_name COLLATE "C", old.type COLLATE "C"
)
RETURNING namespace, name
