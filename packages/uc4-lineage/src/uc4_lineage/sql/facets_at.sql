-- The facets of some names of each dataset, or of one, at a time: each as the newest
-- event said it that had told it by then.
WITH newest AS (
    SELECT datasets.id, facets.name, facets.facet, facets.at
    FROM lineage.datasets AS datasets
    INNER JOIN lineage.dataset_facets AS facets ON datasets.id = facets.dataset_id
    WHERE
        NOT datasets.hidden
        AND datasets.created_at <= %(at)s
        AND datasets.id = coalesce(%(dataset)s, datasets.id)
        AND facets.name = any(%(names)s)
),
again AS (  -- told again later: look for what was said last before
    SELECT id, name FROM newest WHERE at > %(at)s
),
made AS (  -- when each run, and each event without one, told it last of what it wrote
    SELECT
        again.id, again.name, versions.run_id, versions.facets -> again.name AS facet,
        -- The stamp of the event: its time and its digest.
        left(versions.told ->> again.name, -32)::timestamptz AS at,
        right(versions.told ->> again.name, 32)::uuid AS digest
    FROM again
    INNER JOIN lineage.dataset_versions AS versions
        ON again.id = versions.dataset_id AND versions.told ? again.name
),
asked AS (  -- the runs of which only their events know what they had told by then
    SELECT made.id, made.name, made.run_id, 'w'::"char" AS direction
    FROM made
    INNER JOIN lineage.runs AS runs ON made.run_id = runs.id
    WHERE made.at > %(at)s AND runs.created_at <= %(at)s
    UNION
    SELECT again.id, again.name, used.run_id, 'r'
    FROM again
    INNER JOIN lineage.run_datasets AS used
        ON again.id = used.dataset_id AND used.direction = 'r'
),
said AS (
    SELECT id, name, facet, at, digest, 'w'::"char" AS direction, 0 AS place
    FROM made
    WHERE at <= %(at)s
    UNION ALL
    SELECT
        asked.id, asked.name, named.facets -> asked.name, named.event_time,
        named.digest, named.direction, named.place
    FROM asked
    INNER JOIN lineage.event_datasets AS named
        ON
            (asked.run_id = named.run_id OR asked.run_id = named.digest)
            AND asked.id = named.dataset_id
            AND asked.direction = named.direction
            AND named.event_time <= %(at)s
    WHERE named.facets -> asked.name IS NOT NULL
),
last_said AS (  -- of an event that names a dataset twice, what it said second
    SELECT DISTINCT ON (id, name) id, name, facet
    FROM said
    ORDER BY id ASC, name ASC, at DESC, digest DESC, direction DESC, place DESC
)
SELECT id, name, facet
FROM newest
WHERE at <= %(at)s
UNION ALL
SELECT id, name, facet
FROM last_said
