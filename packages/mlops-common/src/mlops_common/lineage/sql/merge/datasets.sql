-- Returns the id of each, with its name. An INSERT that ends in a conflict
-- takes an id too: known names are left out.
WITH new AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s) AS new (
        namespace text, name text, named boolean,
        first_at timestamptz, last_at timestamptz
    )
),
changed AS (
    UPDATE lineage.datasets AS old SET
        named = old.named OR new.named,
        created_at = least(old.created_at, new.first_at),
        updated_at = greatest(old.updated_at, new.last_at),
        hidden = old.hidden AND current_setting('lineage.replaying', true) = 'on'
    FROM new
    WHERE (old.namespace, old.name) = (new.namespace, new.name)
        AND (
            old.hidden
            OR new.named > old.named
            OR new.first_at < old.created_at
            OR new.last_at > old.updated_at
        )
),
made AS (
    INSERT INTO lineage.datasets (namespace, name, named, created_at, updated_at)
    SELECT namespace, name, named, first_at, last_at
    FROM new
    WHERE NOT EXISTS (
        SELECT FROM lineage.datasets AS old
        WHERE (old.namespace, old.name) = (new.namespace, new.name)
    )
    RETURNING id, namespace, name
)
SELECT old.namespace, old.name, old.id
FROM new
JOIN lineage.datasets AS old ON (old.namespace, old.name) = (new.namespace, new.name)
UNION ALL
SELECT namespace, name, id FROM made
