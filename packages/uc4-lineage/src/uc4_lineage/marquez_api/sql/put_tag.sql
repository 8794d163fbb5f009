INSERT INTO lineage.tags AS old (name, description)
VALUES (%(tag)s, %(description)s)
ON CONFLICT (name) DO UPDATE SET
    description = coalesce(excluded.description, old.description)
RETURNING name;
