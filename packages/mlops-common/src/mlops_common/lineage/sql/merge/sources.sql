INSERT INTO lineage.sources AS old (name, type, connection_url, created_at, updated_at)
SELECT name, type, url, first_at, last_at
FROM json_to_recordset(%s) AS new (
    name text, type text, url text, first_at timestamptz, last_at timestamptz
)
ON CONFLICT (name) DO UPDATE SET
    (type, connection_url, updated_at) = (
        SELECT s.type, s.url, s.at
        FROM (VALUES
            (old.type, old.connection_url, old.updated_at),
            (excluded.type, excluded.connection_url, excluded.updated_at)
        ) AS s (type, url, at)
        ORDER BY s.at DESC, s.url COLLATE "C" DESC NULLS LAST
        LIMIT 1
    ),
    created_at = least(old.created_at, excluded.created_at)
WHERE excluded.created_at < old.created_at OR excluded.updated_at >= old.updated_at
