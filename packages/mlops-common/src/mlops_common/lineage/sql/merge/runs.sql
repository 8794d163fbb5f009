INSERT INTO lineage.runs AS old (
    id, job_id, state, state_at, started_at, ended_at, nominal_start, nominal_end,
    parent_id, names_datasets, created_at, updated_at, told_at, told_by, ended_by
)
SELECT
    new.id, new.job_id,
    coalesce(
        new.ended_as, CASE WHEN new.started_at IS NULL THEN 'NEW' ELSE 'RUNNING' END
    ),
    coalesce(new.ended_at, new.started_at, new.first_at),
    new.started_at, new.ended_at, new.nominal_start, new.nominal_end,
    new.parent_id, new.names_datasets, new.first_at, new.last_at,
    new.told_at, new.told_by, new.ended_by
FROM json_to_recordset(%s) AS new (
    id uuid, job_id integer, told_at timestamptz, told_by uuid,
    started_at timestamptz, ended_at timestamptz, ended_by uuid, ended_as text,
    nominal_start timestamptz, nominal_end timestamptz, parent_id uuid,
    names_datasets boolean, first_at timestamptz, last_at timestamptz
)
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
    updated_at = greatest(old.updated_at, excluded.updated_at)
