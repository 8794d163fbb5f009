-- Runs that began, have not ended, and of which nothing was heard for a while, each with
-- the process that tells of it: its own, or that of the nearest run that it is a part of.
WITH RECURSIVE silent AS (
    SELECT runs.id, jobs.name, runs.started_at
    FROM lineage.runs
    JOIN lineage.jobs ON jobs.id = runs.job_id
    WHERE runs.state = 'RUNNING'
        AND runs.told_at < %(before)s
        AND jobs.namespace = %(namespace)s
),
above (id, ancestor, steps) AS (
    SELECT id, id, 0 FROM silent
    UNION
    SELECT above.id, runs.parent_id, above.steps + 1
    FROM above
    JOIN lineage.runs ON runs.id = above.ancestor
    WHERE runs.parent_id IS NOT NULL AND above.steps < %(deepest)s
)
SELECT silent.id::text, silent.name, process.facet
FROM silent
CROSS JOIN LATERAL (
    SELECT told.facet
    FROM above
    JOIN lineage.run_facets AS told
        ON told.run_id = above.ancestor AND told.name = %(facet)s
    WHERE above.id = silent.id
    ORDER BY above.steps
    LIMIT 1
) AS process
ORDER BY silent.started_at, silent.id
