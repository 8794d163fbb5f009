-- The fields of each dataset, or of one, at a time, as the newest event that tells them
-- says.
WITH told AS (
    SELECT datasets.id, facets.facet, facets.at
    FROM lineage.datasets AS datasets
    INNER JOIN lineage.dataset_facets AS facets
        ON datasets.id = facets.dataset_id AND facets.name = 'schema'
    WHERE
        NOT datasets.hidden
        AND datasets.created_at <= %(at)s
        AND datasets.id = coalesce(%(dataset)s, datasets.id)
),
known AS (
    SELECT told.id, told.facet
    FROM told
    WHERE told.at <= %(at)s
    UNION ALL
    -- It was told again later: look for the last event before.
    SELECT told.id, newest.facet
    FROM told
    CROSS JOIN LATERAL (
        SELECT found.facet
        FROM (
            (
                SELECT versions.facets -> 'schema' AS facet, versions.created_at AS at
                FROM lineage.dataset_versions AS versions
                WHERE
                    versions.dataset_id = told.id
                    AND versions.created_at <= %(at)s
                    AND versions.fields IS NOT NULL
                ORDER BY versions.created_at DESC, versions.id DESC
                LIMIT 1
            )
            UNION ALL
            (
                SELECT one.value #> '{facets,schema}', events.event_time
                FROM lineage.run_datasets AS used
                INNER JOIN lineage.datasets AS datasets ON used.dataset_id = datasets.id
                INNER JOIN lineage.events AS events
                    ON used.run_id = events.run_id AND events.event_time <= %(at)s
                CROSS JOIN LATERAL jsonb_array_elements(
                    CASE jsonb_typeof(events.body -> 'inputs')
                        WHEN 'array' THEN events.body -> 'inputs'
                        ELSE '[]'
                    END
                ) AS one
                LEFT JOIN lineage.symlinks AS aliases
                    ON
                        one.value ->> 'namespace' = aliases.namespace
                        AND one.value ->> 'name' = aliases.name
                WHERE
                    used.dataset_id = told.id
                    AND used.direction = 'r'
                    AND one.value #> '{facets,schema}' IS NOT NULL
                    AND (
                        aliases.dataset_id = told.id
                        OR (
                            one.value ->> 'namespace' = datasets.namespace
                            AND one.value ->> 'name' = datasets.name
                        )
                    )
                ORDER BY used.at DESC, events.event_time DESC
                LIMIT 1
            )
        ) AS found
        ORDER BY found.at DESC
        LIMIT 1
    ) AS newest
    WHERE told.at > %(at)s
)
SELECT
    known.id,
    one.value ->> 'name' AS field,
    coalesce(one.value ->> 'type', '') AS type
FROM known
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(known.facet -> 'fields')
        WHEN 'array' THEN known.facet -> 'fields'
        ELSE '[]'
    END
) AS one
WHERE one.value ->> 'name' <> ''
