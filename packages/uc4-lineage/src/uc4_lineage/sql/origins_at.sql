-- Which field each field was made from at a time: for each job and each of its outputs,
-- what the last run that had told said, an event a row, in their order. See `origins`.
WITH told AS (  -- when each run, or each design of a job, told last
    SELECT used.job_id, used.dataset_id, used.run_id, made.at
    FROM (
        SELECT
            dataset_id, run_id,
            -- The stamp of the event: its time and its digest.
            left(told ->> 'columnLineage', -32)::timestamptz AS at,
            right(told ->> 'columnLineage', 32)::uuid AS digest
        FROM lineage.dataset_versions
        WHERE told ? 'columnLineage'
    ) AS made
    INNER JOIN lineage.run_datasets AS used
        ON
            made.dataset_id = used.dataset_id
            AND coalesce(made.run_id, made.digest) = used.run_id
            AND used.direction = 'w'
    WHERE
        used.job_id NOT IN (SELECT id FROM lineage.jobs WHERE hidden)
        AND used.dataset_id NOT IN (SELECT id FROM lineage.datasets WHERE hidden)
),
candidates AS (
    (
        SELECT DISTINCT ON (job_id, dataset_id) job_id, dataset_id, run_id
        FROM told
        WHERE at <= %(at)s
        ORDER BY job_id ASC, dataset_id ASC, at DESC, run_id ASC
    )
    UNION ALL
    -- It told again later: only its events know whether it had before.
    SELECT told.job_id, told.dataset_id, told.run_id
    FROM told
    INNER JOIN lineage.runs AS runs ON told.run_id = runs.id
    WHERE told.at > %(at)s AND runs.created_at <= %(at)s
),
said AS (
    SELECT
        asked.job_id, asked.dataset_id, asked.run_id, named.event_time, named.digest,
        named.place,
        named.facets -> 'columnLineage' AS facet,
        first_value(asked.run_id) OVER (
            PARTITION BY asked.job_id, asked.dataset_id
            ORDER BY named.event_time DESC, asked.run_id ASC
        ) AS last_run
    FROM candidates AS asked
    INNER JOIN lineage.jobs AS jobs ON asked.job_id = jobs.id
    INNER JOIN lineage.event_datasets AS named
        ON
            (asked.run_id = named.run_id OR asked.run_id = named.digest)
            AND jobs.namespace = named.job_namespace
            AND jobs.name = named.job_name
            AND asked.dataset_id = named.dataset_id
            AND named.direction = 'w'
            AND named.event_time <= %(at)s
    WHERE named.facets -> 'columnLineage' IS NOT NULL
)
SELECT run_id, job_id, dataset_id, facet
FROM said
WHERE run_id = last_run
ORDER BY event_time, digest, place
