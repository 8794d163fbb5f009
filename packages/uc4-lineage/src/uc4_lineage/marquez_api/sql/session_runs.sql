-- Runs as Marquez shows them. The facets that an event told of an input or an output of
-- a run are in the events alone.
CREATE FUNCTION pg_temp.io_facets(its_run uuid, its_dataset integer, side text)
RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(f.key, f.value ORDER BY e.event_time, e.id), '{}')
    FROM lineage.events AS e
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN jsonb_typeof(e.body -> (side || 's')) = 'array'
        THEN e.body -> (side || 's') ELSE '[]' END
    ) AS d (told)
    CROSS JOIN LATERAL jsonb_each(
        CASE WHEN jsonb_typeof(d.told -> (side || 'Facets')) = 'object'
        THEN d.told -> (side || 'Facets') ELSE '{}' END
    ) AS f
    WHERE e.run_id = its_run
        AND pg_temp.dataset_id(d.told ->> 'namespace', d.told ->> 'name') = its_dataset
$$;

CREATE FUNCTION pg_temp.io_version(
    its_run uuid, its_dataset integer, side text, version uuid
) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'datasetVersionId', json_build_object(
            'namespace', d.namespace, 'name', d.name, 'version', version
        ),
        'facets', pg_temp.io_facets(its_run, its_dataset, side)
    )
    FROM lineage.datasets AS d
    WHERE d.id = its_dataset
$$;

CREATE FUNCTION pg_temp.run_facets(its_run uuid) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(name, facet), '{}')
    FROM lineage.run_facets
    WHERE run_id = its_run
$$;

CREATE FUNCTION pg_temp.run_args(facets jsonb) RETURNS json
LANGUAGE sql IMMUTABLE AS $$
    SELECT json_strip_nulls(json_build_object(
        'nominal_start_time', facets #>> '{nominalTime,nominalStartTime}',
        'nominal_end_time', facets #>> '{nominalTime,nominalEndTime}',
        'run_id', facets #>> '{parent,run,runId}',
        'namespace', facets #>> '{parent,job,namespace}',
        'name', facets #>> '{parent,job,name}'
    ))
$$;

-- What is known of a run, but for its facets and datasets, which `run` adds.
CREATE FUNCTION pg_temp.run_summary(its_run uuid) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', r.id,
        'createdAt', pg_temp.instant(r.created_at),
        'updatedAt', pg_temp.instant(r.updated_at),
        'nominalStartTime', pg_temp.instant(r.nominal_start),
        'nominalEndTime', pg_temp.instant(r.nominal_end),
        'state', r.state,
        'startedAt', pg_temp.instant(r.started_at),
        'endedAt', pg_temp.instant(r.ended_at),
        'durationMs',
        (1000 * extract(epoch FROM r.ended_at - r.started_at))::bigint,
        'args', '{}'::json,
        'jobVersion', CASE WHEN r.names_datasets OR r.ended_at IS NOT NULL THEN
            json_build_object(
                'namespace', j.namespace, 'name', j.name,
                'version', pg_temp.job_version(r.id, r.job_id)
            )
        END,
        'inputDatasetVersions', '[]'::json,
        'outputDatasetVersions', '[]'::json,
        'facets', '{}'::json
    )
    FROM lineage.runs AS r
    JOIN lineage.jobs AS j ON j.id = r.job_id
    WHERE r.id = its_run
$$;

CREATE FUNCTION pg_temp.run(its_run uuid) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT (pg_temp.run_summary(its_run)::jsonb || jsonb_build_object(
        'args', pg_temp.run_args(f.facets),
        'facets', f.facets,
        'inputDatasetVersions', coalesce((
            SELECT json_agg(
                pg_temp.io_version(
                    its_run, i.dataset_id, 'input',
                    pg_temp.version_read(
                        i.dataset_id, its_run, coalesce(r.started_at, r.created_at)
                    )
                )
                ORDER BY i.dataset_id
            )
            FROM lineage.run_datasets AS i
            WHERE i.run_id = its_run AND i.job_id = r.job_id AND i.direction = 'r'
        ), '[]'),
        'outputDatasetVersions', coalesce((
            SELECT json_agg(
                pg_temp.io_version(its_run, v.dataset_id, 'output', v.id)
                ORDER BY v.dataset_id
            )
            FROM lineage.dataset_versions AS v
            WHERE v.run_id = its_run
        ), '[]')
    ))::json
    FROM lineage.runs AS r
    CROSS JOIN LATERAL (SELECT pg_temp.run_facets(its_run) AS facets) AS f
    WHERE r.id = its_run
$$;

-- What each run read, in which version, and which run had made that.
CREATE TEMP VIEW versions_read AS
SELECT r.id AS reader, i.dataset_id, v.version, made.run_id
FROM lineage.runs AS r
JOIN lineage.run_datasets AS i
    ON i.run_id = r.id AND i.job_id = r.job_id AND i.direction = 'r'
CROSS JOIN LATERAL (
    SELECT pg_temp.version_read(
        i.dataset_id, r.id, coalesce(r.started_at, r.created_at)
    ) AS version
) AS v
LEFT JOIN lineage.dataset_versions AS made ON made.id = v.version;
