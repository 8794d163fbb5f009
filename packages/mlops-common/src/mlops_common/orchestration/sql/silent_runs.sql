-- Runs that began, have not ended, and of which nothing was heard for a while, each with
-- the runs that it is a part of, however many lie between.
WITH RECURSIVE silent AS (
    SELECT runs.id, jobs.name, runs.started_at
    FROM lineage.runs
    JOIN lineage.jobs ON jobs.id = runs.job_id
    WHERE runs.state = 'RUNNING'
        AND runs.told_at < %(before)s
        AND jobs.namespace = %(namespace)s
),
above (id, ancestor) AS (
    SELECT id, id FROM silent
    UNION
    SELECT above.id, runs.parent_id
    FROM above
    JOIN lineage.runs ON runs.id = above.ancestor
    WHERE runs.parent_id IS NOT NULL
)
SELECT silent.id::text, silent.name,
       (SELECT array_agg(above.ancestor::text) FROM above WHERE above.id = silent.id)
FROM silent
ORDER BY silent.started_at, silent.id
