-- Chooses the current run of the jobs that were touched, and makes its edges.
WITH found AS MATERIALIZED (
    SELECT touched.job_id, current.run_id
    FROM json_to_recordset(%s) AS touched (job_id integer)
    LEFT JOIN LATERAL (
        SELECT run_id
        FROM (
            (
                SELECT
                    run.id AS run_id, run.state = 'COMPLETED' AS done,
                    run.state_at AS at
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
    ) AS current ON true
),
chosen AS (
    UPDATE lineage.jobs AS job SET current_run = found.run_id
    FROM found
    WHERE job.id = found.job_id AND job.current_run IS DISTINCT FROM found.run_id
),
dropped AS (
    DELETE FROM lineage.edges AS edge
    USING found
    WHERE edge.job_id = found.job_id AND NOT EXISTS (
        SELECT FROM lineage.run_datasets AS named
        WHERE named.run_id = found.run_id
            AND named.job_id = found.job_id
            AND named.dataset_id = edge.dataset_id
            AND named.direction = edge.direction
    )
)
INSERT INTO lineage.edges (job_id, dataset_id, direction)
SELECT named.job_id, named.dataset_id, named.direction
FROM found
JOIN lineage.run_datasets AS named
    ON named.run_id = found.run_id AND named.job_id = found.job_id
ON CONFLICT (job_id, dataset_id, direction) DO NOTHING
