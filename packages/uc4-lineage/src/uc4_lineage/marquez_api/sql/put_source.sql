INSERT INTO lineage.sources AS old (
    name, type, connection_url, description, created_at, updated_at
)
VALUES (%(source)s, %(type)s, %(url)s, %(description)s, now(), now())
ON CONFLICT (name) DO UPDATE SET
    type = excluded.type,
    connection_url = excluded.connection_url,
    description = coalesce(excluded.description, old.description),
    updated_at = greatest(old.updated_at, excluded.updated_at)
RETURNING name;
