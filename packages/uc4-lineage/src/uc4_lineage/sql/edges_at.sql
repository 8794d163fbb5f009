-- The graph of a time: what was then the current run of each job had read and written.
-- See the tables `runs`, `jobs` and `edges` of the store for which run that is.
WITH standing AS (  -- how far each run had come
    SELECT
        id, job_id,
        coalesce(state = 'COMPLETED' AND ended_at <= %(at)s, false) AS completed,
        CASE
            WHEN ended_at <= %(at)s THEN ended_at
            WHEN started_at <= %(at)s THEN started_at
            ELSE created_at
        END AS state_at
    FROM lineage.runs
    WHERE names_datasets AND created_at <= %(at)s
),
told AS (  -- what each run had told
    SELECT run_id, job_id, dataset_id, direction
    FROM lineage.run_datasets
    WHERE at <= %(at)s
    UNION
    -- It told it again later: only its events know whether it had before.
    SELECT used.run_id, used.job_id, used.dataset_id, used.direction
    FROM standing
    INNER JOIN lineage.run_datasets AS used
        ON standing.id = used.run_id AND used.at > %(at)s
    INNER JOIN lineage.event_datasets AS named
        ON
            used.run_id = named.run_id
            AND used.dataset_id = named.dataset_id
            AND used.direction = named.direction
            AND named.event_time <= %(at)s
),
candidates AS (
    SELECT job_id, id AS run_id, completed, state_at
    FROM standing
    WHERE EXISTS (SELECT FROM told WHERE told.run_id = standing.id)
    UNION ALL
    -- An event of a job without a run is its design, and as good as a completed run.
    SELECT job_id, run_id, true, at
    FROM lineage.run_datasets AS used
    WHERE
        at <= %(at)s
        AND NOT EXISTS (SELECT FROM lineage.runs WHERE runs.id = used.run_id)
),
current_runs AS (
    SELECT DISTINCT ON (job_id) job_id, run_id
    FROM candidates
    ORDER BY job_id ASC, completed DESC, state_at DESC, run_id DESC
)
SELECT told.job_id, told.dataset_id, told.direction = 'w' AS writes
FROM current_runs
INNER JOIN told
    ON current_runs.run_id = told.run_id AND current_runs.job_id = told.job_id
