-- Datasets that runs only ever read, or only ever wrote.
SELECT
    datasets.id,
    bool_or(used.direction = 'r') AS is_read,
    bool_or(used.direction = 'w') AS is_written
FROM lineage.run_datasets AS used
INNER JOIN lineage.datasets AS datasets ON used.dataset_id = datasets.id
INNER JOIN lineage.jobs AS jobs ON used.job_id = jobs.id
WHERE NOT datasets.hidden AND NOT jobs.hidden
GROUP BY datasets.id, datasets.namespace, datasets.name
HAVING count(DISTINCT used.direction) = 1
ORDER BY datasets.namespace, datasets.name
