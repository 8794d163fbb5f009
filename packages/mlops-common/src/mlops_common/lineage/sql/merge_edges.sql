-- Chooses the current run of the jobs that were touched, and makes its edges.
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
