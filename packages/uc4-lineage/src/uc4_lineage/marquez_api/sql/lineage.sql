-- Jobs and datasets as a graph: each edge leads from what is read to who reads it, and
-- from who writes to what is written.
WITH edges AS (
    SELECT
        e.job_id, e.dataset_id, e.direction = 'r' AS reads,
        concat_ws(':', 'job', j.namespace, j.name) AS job,
        concat_ws(':', 'dataset', d.namespace, d.name) AS dataset
    FROM lineage.edges AS e
    JOIN lineage.jobs AS j ON j.id = e.job_id
    JOIN lineage.datasets AS d ON d.id = e.dataset_id
    WHERE e.job_id = ANY(%(jobs)s::integer[])
        AND e.dataset_id = ANY(%(datasets)s::integer[])
), shown AS (
    SELECT
        job_id, dataset_id, reads,
        json_build_object(
            'origin', CASE WHEN reads THEN dataset ELSE job END,
            'destination', CASE WHEN reads THEN job ELSE dataset END
        ) AS edge
    FROM edges
), of_job AS (
    SELECT job_id, reads, json_agg(edge) AS edges FROM shown GROUP BY job_id, reads
), of_dataset AS (
    SELECT dataset_id, reads, json_agg(edge) AS edges
    FROM shown GROUP BY dataset_id, reads
), nodes AS (
    SELECT
        concat_ws(':', 'job', j.namespace, j.name) AS id, 'JOB' AS type,
        pg_temp.job_summary(j.id) AS data,
        before.edges AS in_edges, after.edges AS out_edges
    FROM lineage.jobs AS j
    LEFT JOIN of_job AS before ON before.job_id = j.id AND before.reads
    LEFT JOIN of_job AS after ON after.job_id = j.id AND NOT after.reads
    WHERE j.id = ANY(%(jobs)s::integer[])
    UNION ALL
    SELECT
        concat_ws(':', 'dataset', d.namespace, d.name), 'DATASET',
        pg_temp.dataset_summary(d.id), before.edges, after.edges
    FROM lineage.datasets AS d
    LEFT JOIN of_dataset AS before ON before.dataset_id = d.id AND NOT before.reads
    LEFT JOIN of_dataset AS after ON after.dataset_id = d.id AND after.reads
    WHERE d.id = ANY(%(datasets)s::integer[])
)
SELECT json_build_object('graph', coalesce(
    json_agg(
        json_build_object(
            'id', id, 'type', type, 'data', data,
            'inEdges', coalesce(in_edges, '[]'),
            'outEdges', coalesce(out_edges, '[]')
        )
        ORDER BY id COLLATE "C"
    ),
    '[]'
))
FROM nodes;
