-- Returns the id of each, with its name. An INSERT that ends in a conflict
-- takes an id too: known names are left out.
WITH new AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s) AS new (
        namespace text, name text, first_at timestamptz,
        last_at timestamptz, designed_at timestamptz, designed_run uuid
    )
),
changed AS (
    UPDATE lineage.jobs AS old SET
        created_at = least(old.created_at, new.first_at),
        updated_at = greatest(old.updated_at, new.last_at),
        hidden = old.hidden AND current_setting('lineage.replaying', true) = 'on',
        (designed_at, designed_run) = (
            SELECT d.at, d.run
            FROM (VALUES
                (old.designed_at, old.designed_run),
                (new.designed_at, new.designed_run)
            ) AS d (at, run)
            ORDER BY d.at DESC NULLS LAST, d.run DESC
            LIMIT 1
        )
    FROM new
    WHERE (old.namespace, old.name) = (new.namespace, new.name)
        AND (
            old.hidden
            OR new.first_at < old.created_at
            OR new.last_at > old.updated_at
            OR new.designed_at IS NOT NULL
        )
),
made AS (
    INSERT INTO lineage.jobs (
        namespace, name, created_at, updated_at, designed_at, designed_run
    )
    SELECT namespace, name, first_at, last_at, designed_at, designed_run
    FROM new
    WHERE NOT EXISTS (
        SELECT FROM lineage.jobs AS old
        WHERE (old.namespace, old.name) = (new.namespace, new.name)
    )
    RETURNING id, namespace, name
)
SELECT old.namespace, old.name, old.id
FROM new
JOIN lineage.jobs AS old ON (old.namespace, old.name) = (new.namespace, new.name)
UNION ALL
SELECT namespace, name, id FROM made
