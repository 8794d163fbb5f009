INSERT INTO lineage.namespaces AS old (name, owner, description, created_at, updated_at)
VALUES (%(namespace)s, %(owner)s, %(description)s, now(), now())
ON CONFLICT (name) DO UPDATE SET
    owner = excluded.owner,
    description = coalesce(excluded.description, old.description),
    updated_at = greatest(old.updated_at, excluded.updated_at),
    hidden = false
RETURNING name;
