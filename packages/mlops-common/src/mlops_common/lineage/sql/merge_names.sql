-- Merges what a batch says into the tables, under the lock of lineage. Each row keeps
-- the least, the greatest or the newest of what it and the batch say. What was deleted
-- through the API comes back with a new event that names it, not with a replayed one.
SET LOCAL jit = off;

INSERT INTO lineage.namespaces AS old (name, created_at, updated_at)
SELECT namespace, min(first_at), max(last_at)
FROM (
    SELECT namespace, first_at, last_at FROM in_jobs
    UNION ALL
    SELECT namespace, first_at, last_at FROM in_datasets
) AS named
GROUP BY namespace
ON CONFLICT (name) DO UPDATE SET
    created_at = least(old.created_at, excluded.created_at),
    updated_at = greatest(old.updated_at, excluded.updated_at),
    hidden = old.hidden AND current_setting('lineage.replaying', true) = 'on'
WHERE old.hidden
    OR excluded.created_at < old.created_at
    OR excluded.updated_at > old.updated_at;

-- An INSERT that ends in a conflict takes a number too: known names are left out.
UPDATE lineage.jobs AS old SET
    created_at = least(old.created_at, new.first_at),
    updated_at = greatest(old.updated_at, new.last_at),
    hidden = old.hidden AND current_setting('lineage.replaying', true) = 'on',
    (designed_at, designed_run) = (
        SELECT d.at, d.run
        FROM (VALUES
            (old.designed_at, old.designed_run), (new.designed_at, new.designed_run)
        ) AS d (at, run)
        ORDER BY d.at DESC NULLS LAST, d.run DESC
        LIMIT 1
    )
FROM in_jobs AS new
WHERE (old.namespace, old.name) = (new.namespace, new.name)
    AND (
        old.hidden
        OR new.first_at < old.created_at
        OR new.last_at > old.updated_at
        OR new.designed_at IS NOT NULL
    );
INSERT INTO lineage.jobs (
    namespace, name, created_at, updated_at, designed_at, designed_run
)
SELECT namespace, name, first_at, last_at, designed_at, designed_run
FROM in_jobs AS new
WHERE NOT EXISTS (
    SELECT FROM lineage.jobs AS old
    WHERE (old.namespace, old.name) = (new.namespace, new.name)
);
UPDATE in_jobs AS new SET id = old.id
FROM lineage.jobs AS old
WHERE (old.namespace, old.name) = (new.namespace, new.name);

UPDATE lineage.datasets AS old SET
    named = old.named OR new.named,
    created_at = least(old.created_at, new.first_at),
    updated_at = greatest(old.updated_at, new.last_at),
    hidden = old.hidden AND current_setting('lineage.replaying', true) = 'on'
FROM in_datasets AS new
WHERE (old.namespace, old.name) = (new.namespace, new.name)
    AND (
        old.hidden
        OR new.named > old.named
        OR new.first_at < old.created_at
        OR new.last_at > old.updated_at
    );
INSERT INTO lineage.datasets (namespace, name, named, created_at, updated_at)
SELECT namespace, name, named, first_at, last_at
FROM in_datasets AS new
WHERE NOT EXISTS (
    SELECT FROM lineage.datasets AS old
    WHERE (old.namespace, old.name) = (new.namespace, new.name)
);
UPDATE in_datasets AS new SET id = old.id
FROM lineage.datasets AS old
WHERE (old.namespace, old.name) = (new.namespace, new.name);

