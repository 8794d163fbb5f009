-- What a dataset was made from, up to a depth, as a recursive query finds it.
WITH RECURSIVE up (key, depth) AS (
    SELECT %(start)s::integer, 0
    UNION
    SELECT
        CASE
            WHEN up.key > 0 THEN -edges.job_id
            ELSE edges.dataset_id
        END,
        up.depth + 1
    FROM up
    INNER JOIN lineage.edges AS edges
        ON
            (up.key > 0 AND edges.dataset_id = up.key AND edges.direction = 'w')
            OR (up.key < 0 AND edges.job_id = -up.key AND edges.direction = 'r')
    WHERE up.depth < %(depth)s
)
SELECT DISTINCT
    coalesce(datasets.namespace, jobs.namespace) AS namespace,
    coalesce(datasets.name, jobs.name) AS name
FROM up
LEFT JOIN lineage.datasets AS datasets ON up.key = datasets.id
LEFT JOIN lineage.jobs AS jobs ON -up.key = jobs.id
WHERE up.key <> %(start)s
