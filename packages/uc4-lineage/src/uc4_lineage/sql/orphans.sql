-- Datasets that runs had only ever read, or only ever written, by a time.
SELECT
    datasets.id,
    bool_or(used.direction = 'r') AS is_read,
    bool_or(used.direction = 'w') AS is_written
FROM lineage.run_datasets AS used
INNER JOIN lineage.datasets AS datasets ON used.dataset_id = datasets.id
INNER JOIN lineage.jobs AS jobs ON used.job_id = jobs.id
WHERE
    NOT datasets.hidden
    AND NOT jobs.hidden
    AND (
        used.at <= %(at)s
        -- It was told again later: only its events know whether it had been before.
        OR EXISTS (
            SELECT
            FROM lineage.event_datasets AS named
            WHERE
                named.run_id = used.run_id
                AND named.dataset_id = used.dataset_id
                AND named.direction = used.direction
                AND named.event_time <= %(at)s
        )
    )
GROUP BY datasets.id, datasets.namespace, datasets.name
HAVING count(DISTINCT used.direction) = 1
ORDER BY datasets.namespace, datasets.name
