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

-- A run that moves to another job is missed by the first.
INSERT INTO in_touched (job_id)
SELECT id FROM in_jobs
UNION
SELECT old.job_id FROM lineage.runs AS old JOIN in_runs AS new ON old.id = new.id;

INSERT INTO lineage.runs AS old (
    id, job_id, state, state_at, started_at, ended_at, nominal_start, nominal_end,
    parent_id, names_datasets, created_at, updated_at, told_at, told_by, ended_by
)
SELECT
    new.id, job.id,
    coalesce(
        new.ended_as, CASE WHEN new.started_at IS NULL THEN 'NEW' ELSE 'RUNNING' END
    ),
    coalesce(new.ended_at, new.started_at, new.first_at),
    new.started_at, new.ended_at, new.nominal_start, new.nominal_end,
    new.parent_id, new.names_datasets, new.first_at, new.last_at,
    new.told_at, new.told_by, new.ended_by
FROM in_runs AS new
JOIN in_jobs AS job ON job.number = new.job
ON CONFLICT (id) DO UPDATE SET
    job_id = CASE
        WHEN (excluded.told_at, excluded.told_by) > (old.told_at, old.told_by)
        THEN excluded.job_id ELSE old.job_id
    END,
    (told_at, told_by) = (
        SELECT t.at, t.digest
        FROM (VALUES
            (old.told_at, old.told_by), (excluded.told_at, excluded.told_by)
        ) AS t (at, digest)
        ORDER BY t.at DESC, t.digest DESC
        LIMIT 1
    ),
    (state, ended_at, ended_by, state_at) = (
        SELECT
            coalesce(
                e.state,
                CASE
                    WHEN old.started_at IS NULL AND excluded.started_at IS NULL
                    THEN 'NEW' ELSE 'RUNNING'
                END
            ),
            e.at,
            e.digest,
            coalesce(
                e.at,
                least(old.started_at, excluded.started_at),
                least(old.created_at, excluded.created_at)
            )
        FROM (VALUES
            (CASE WHEN old.ended_at IS NOT NULL THEN old.state END,
                old.ended_at, old.ended_by),
            (CASE WHEN excluded.ended_at IS NOT NULL THEN excluded.state END,
                excluded.ended_at, excluded.ended_by)
        ) AS e (state, at, digest)
        ORDER BY e.at NULLS LAST, e.digest
        LIMIT 1
    ),
    started_at = least(old.started_at, excluded.started_at),
    nominal_start = greatest(old.nominal_start, excluded.nominal_start),
    nominal_end = greatest(old.nominal_end, excluded.nominal_end),
    parent_id = greatest(old.parent_id, excluded.parent_id),
    names_datasets = old.names_datasets OR excluded.names_datasets,
    created_at = least(old.created_at, excluded.created_at),
    updated_at = greatest(old.updated_at, excluded.updated_at);

INSERT INTO lineage.run_datasets AS old (
    run_id, job_id, dataset_id, direction, at, version, version_at
)
SELECT
    new.run_id, job.id, dataset.id, new.direction, new.at, new.version, new.version_at
FROM in_run_datasets AS new
JOIN in_jobs AS job ON job.number = new.job
JOIN in_datasets AS dataset ON dataset.number = new.dataset
ON CONFLICT (run_id, job_id, dataset_id, direction) DO UPDATE SET
    at = greatest(old.at, excluded.at),
    (version_at, version) = (
        SELECT v.at, v.version
        FROM (VALUES
            (old.version_at, old.version), (excluded.version_at, excluded.version)
        ) AS v (at, version)
        ORDER BY v.at DESC NULLS LAST, v.version COLLATE "C" DESC
        LIMIT 1
    )
WHERE excluded.at > old.at OR excluded.version_at IS NOT NULL;

INSERT INTO lineage.column_edges AS old (
    job_id, output_id, output_field, input_id, input_field, type, subtype, description,
    masking, run_id, first_at, last_at, told_by
)
SELECT
    job.id, output.id, new.output_field, input.id, new.input_field, new.type,
    new.subtype, new.description, new.masking, new.run_id, new.first_at, new.last_at,
    new.told_by
FROM in_column_edges AS new
JOIN in_jobs AS job ON job.number = new.job
JOIN in_datasets AS output ON output.number = new.output
JOIN in_datasets AS input ON input.number = new.input
ON CONFLICT (
    job_id, output_id, output_field, input_id, input_field, type, subtype
) DO UPDATE SET
    (description, masking, run_id, last_at, told_by) = (
        SELECT e.description, e.masking, e.run_id, e.at, e.digest
        FROM (VALUES
            (old.description, old.masking, old.run_id, old.last_at, old.told_by),
            (excluded.description, excluded.masking, excluded.run_id,
                excluded.last_at, excluded.told_by)
        ) AS e (description, masking, run_id, at, digest)
        ORDER BY e.at DESC, e.digest DESC
        LIMIT 1
    ),
    first_at = least(old.first_at, excluded.first_at);

INSERT INTO lineage.dataset_facets AS old (
    dataset_id, name, facet, at, run_id, told_by, deleted
)
SELECT
    dataset.id, new.name, new.facet, new.at, new.run_id, new.told_by, new.deleted
FROM in_dataset_facets AS new
JOIN in_datasets AS dataset ON dataset.number = new.dataset
ON CONFLICT (dataset_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, run_id = excluded.run_id,
    told_by = excluded.told_by, deleted = excluded.deleted
WHERE (excluded.at, excluded.told_by) > (old.at, old.told_by);

INSERT INTO lineage.job_facets AS old (job_id, name, facet, at, told_by, deleted)
SELECT job.id, new.name, new.facet, new.at, new.told_by, new.deleted
FROM in_job_facets AS new
JOIN in_jobs AS job ON job.number = new.job
ON CONFLICT (job_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, told_by = excluded.told_by,
    deleted = excluded.deleted
WHERE (excluded.at, excluded.told_by) > (old.at, old.told_by);

INSERT INTO lineage.run_facets AS old (run_id, name, facet, at, told_by)
SELECT run_id, name, facet, at, told_by FROM in_run_facets
ON CONFLICT (run_id, name) DO UPDATE SET
    facet = excluded.facet, at = excluded.at, told_by = excluded.told_by
WHERE (excluded.at, excluded.told_by) > (old.at, old.told_by);

INSERT INTO lineage.dataset_versions AS old (
    id, dataset_id, run_id, facets, told, created_at
)
SELECT new.id, dataset.id, new.run_id, new.facets, new.told, new.at
FROM in_dataset_versions AS new
JOIN in_datasets AS dataset ON dataset.number = new.dataset
ON CONFLICT (id) DO UPDATE SET
    facets = lineage.newest(old.facets, old.told, excluded.facets, excluded.told),
    told = lineage.newest(old.told, old.told, excluded.told, excluded.told),
    created_at = greatest(old.created_at, excluded.created_at);

INSERT INTO lineage.sources AS old (name, type, connection_url, created_at, updated_at)
SELECT name, type, url, first_at, last_at FROM in_sources
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
WHERE excluded.created_at < old.created_at OR excluded.updated_at >= old.updated_at;

UPDATE lineage.datasets AS dataset SET source = told.facet ->> 'name'
FROM in_datasets AS new
JOIN lineage.dataset_facets AS told
    ON told.dataset_id = new.id AND told.name = 'dataSource'
WHERE dataset.id = new.id
    AND dataset.source IS DISTINCT FROM told.facet ->> 'name';

INSERT INTO lineage.tags (name)
SELECT tag FROM in_dataset_tags UNION SELECT tag FROM in_job_tags
ON CONFLICT (name) DO NOTHING;

INSERT INTO lineage.dataset_tags AS old (dataset_id, field, tag, tagged_at, by_facet)
SELECT dataset.id, new.field, new.tag, new.tagged_at, true
FROM in_dataset_tags AS new
JOIN in_datasets AS dataset ON dataset.number = new.dataset
ON CONFLICT (dataset_id, field, tag) DO UPDATE SET
    tagged_at = least(old.tagged_at, excluded.tagged_at)
WHERE excluded.tagged_at < old.tagged_at;

INSERT INTO lineage.job_tags AS old (job_id, tag, tagged_at, by_facet)
SELECT job.id, new.tag, new.tagged_at, true
FROM in_job_tags AS new
JOIN in_jobs AS job ON job.number = new.job
ON CONFLICT (job_id, tag) DO UPDATE SET
    tagged_at = least(old.tagged_at, excluded.tagged_at)
WHERE excluded.tagged_at < old.tagged_at;

UPDATE lineage.jobs AS job SET current_run = found.run_id
FROM in_touched AS touched
LEFT JOIN LATERAL (
    SELECT run_id
    FROM (
        (
            SELECT run.id AS run_id, run.state = 'COMPLETED' AS done, run.state_at AS at
            FROM lineage.runs AS run
            WHERE run.job_id = touched.job_id AND run.names_datasets
            ORDER BY (run.state = 'COMPLETED') DESC, run.state_at DESC, run.id DESC
            LIMIT 1
        )
        UNION ALL
        SELECT designed.designed_run, true, designed.designed_at
        FROM lineage.jobs AS designed
        WHERE designed.id = touched.job_id AND designed.designed_run IS NOT NULL
    ) AS candidates
    ORDER BY done DESC, at DESC, run_id DESC
    LIMIT 1
) AS found ON true
WHERE job.id = touched.job_id AND job.current_run IS DISTINCT FROM found.run_id;

DELETE FROM lineage.edges AS edge
USING in_touched AS touched
JOIN lineage.jobs AS job ON job.id = touched.job_id
WHERE edge.job_id = job.id AND NOT EXISTS (
    SELECT FROM lineage.run_datasets AS named
    WHERE named.run_id = job.current_run
        AND named.job_id = job.id
        AND named.dataset_id = edge.dataset_id
        AND named.direction = edge.direction
);
INSERT INTO lineage.edges (job_id, dataset_id, direction)
SELECT named.job_id, named.dataset_id, named.direction
FROM in_touched AS touched
JOIN lineage.jobs AS job ON job.id = touched.job_id
JOIN lineage.run_datasets AS named
    ON named.run_id = job.current_run AND named.job_id = job.id
ON CONFLICT (job_id, dataset_id, direction) DO NOTHING;
