-- Merges what runs did with the datasets that `merge_names.sql` numbered.
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
            (old.description, old.masking, old.run_id, old.last_at, old.told_by, 0),
            (excluded.description, excluded.masking, excluded.run_id,
                excluded.last_at, excluded.told_by, 1)
        ) AS e (description, masking, run_id, at, digest, told)
        ORDER BY e.at DESC, e.digest DESC, e.told DESC
        LIMIT 1
    ),
    first_at = least(old.first_at, excluded.first_at);

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
