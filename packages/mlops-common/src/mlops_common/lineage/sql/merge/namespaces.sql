INSERT INTO lineage.namespaces AS old (name, created_at, updated_at)
SELECT name, first_at, last_at
FROM json_to_recordset(%s) AS new (
    name text, first_at timestamptz, last_at timestamptz
)
ON CONFLICT (name) DO UPDATE SET
    created_at = least(old.created_at, excluded.created_at),
    updated_at = greatest(old.updated_at, excluded.updated_at),
    hidden = old.hidden AND current_setting('lineage.replaying', true) = 'on'
WHERE old.hidden
    OR excluded.created_at < old.created_at
    OR excluded.updated_at > old.updated_at
