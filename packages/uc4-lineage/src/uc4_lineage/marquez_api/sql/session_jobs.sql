-- Jobs and their versions as Marquez shows them.
CREATE FUNCTION pg_temp.job_facets(its_job integer) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(name, facet), '{}')
    FROM lineage.job_facets
    WHERE job_id = its_job AND NOT deleted
$$;

CREATE FUNCTION pg_temp.latest_run(its_job integer) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT id FROM lineage.runs
    WHERE job_id = its_job ORDER BY created_at DESC, id LIMIT 1
$$;

CREATE FUNCTION pg_temp.labels(facets jsonb) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(json_agg(label), '[]')
    FROM unnest(ARRAY[
        facets #>> '{jobType,integration}', facets #>> '{jobType,jobType}'
    ]) AS label
    WHERE label IS NOT NULL
$$;

-- A job among others; all of it is what `job` gives.
CREATE FUNCTION pg_temp.job_summary(its_job integer) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', json_build_object('namespace', j.namespace, 'name', j.name),
        'type', CASE upper(f.facets #>> '{jobType,processingType}')
            WHEN 'STREAMING' THEN 'STREAM' WHEN 'SERVICE' THEN 'SERVICE' ELSE 'BATCH'
        END,
        'name', j.name,
        'simpleName', CASE
            WHEN starts_with(j.name, p.name || '.') THEN substr(j.name, length(p.name) + 2)
            ELSE j.name
        END,
        'parentJobName', p.name,
        'parentJobUuid', pg_temp.job_uuid(p.namespace, p.name),
        'currentRunUuid', r.id,
        'createdAt', pg_temp.instant(j.created_at),
        'updatedAt', pg_temp.instant(j.updated_at),
        'namespace', j.namespace,
        'inputs', pg_temp.io(j.current_run, j.id, 'r'),
        'outputs', pg_temp.io(j.current_run, j.id, 'w'),
        'location', f.facets #>> '{sourceCodeLocation,url}',
        'description', f.facets #>> '{documentation,description}',
        'latestRun', pg_temp.run(r.id)
    )
    FROM lineage.jobs AS j
    CROSS JOIN LATERAL (SELECT pg_temp.job_facets(j.id) AS facets) AS f
    LEFT JOIN lineage.runs AS r ON r.id = pg_temp.latest_run(j.id)
    LEFT JOIN lineage.runs AS above ON above.id = r.parent_id
    LEFT JOIN lineage.jobs AS p ON p.id = above.job_id
    WHERE j.id = its_job
$$;

CREATE FUNCTION pg_temp.job(its_job integer) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT (pg_temp.job_summary(its_job)::jsonb || jsonb_build_object(
        'latestRuns', coalesce((
            SELECT json_agg(pg_temp.run(r.id) ORDER BY r.created_at DESC, r.id)
            FROM (
                SELECT id, created_at FROM lineage.runs
                WHERE job_id = its_job ORDER BY created_at DESC, id LIMIT 10
            ) AS r
        ), '[]'),
        'facets', pg_temp.job_facets(its_job),
        'currentVersion', CASE
            WHEN j.designed_run IS NOT NULL OR EXISTS (
                SELECT FROM lineage.runs AS r
                WHERE r.job_id = its_job AND (r.names_datasets OR r.ended_at IS NOT NULL)
            ) THEN pg_temp.job_version(j.current_run, j.id)
        END,
        'labels', pg_temp.labels(pg_temp.job_facets(its_job)),
        'tags', coalesce((
            SELECT json_agg(tag ORDER BY tag) FROM lineage.job_tags
            WHERE job_id = its_job
        ), '[]')
    ))::json
    FROM lineage.jobs AS j
    WHERE j.id = its_job
$$;

-- The versions of a job: what its runs, and its design, read and wrote.
CREATE FUNCTION pg_temp.job_versions(its_job integer)
RETURNS TABLE (version uuid, run_id uuid, latest uuid, created_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT
        pg_temp.job_version(told.id, its_job),
        (array_agg(told.id ORDER BY told.at DESC, told.id))[1],
        (array_agg(told.id ORDER BY told.at DESC, told.id) FILTER (WHERE told.ran))[1],
        min(told.at)
    FROM (
        SELECT r.id, coalesce(r.ended_at, r.created_at) AS at, true AS ran
        FROM lineage.runs AS r
        WHERE r.job_id = its_job AND (r.names_datasets OR r.ended_at IS NOT NULL)
        UNION ALL
        SELECT j.designed_run, j.designed_at, false
        FROM lineage.jobs AS j
        WHERE j.id = its_job AND j.designed_run IS NOT NULL
    ) AS told
    GROUP BY 1
$$;

CREATE FUNCTION pg_temp.job_version_shown(
    its_job integer, its_version uuid, its_run uuid, latest uuid, at timestamptz
) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', json_build_object(
            'namespace', j.namespace, 'name', j.name, 'version', its_version
        ),
        'name', j.name,
        'version', its_version,
        'createdAt', pg_temp.instant(at),
        'namespace', j.namespace,
        'inputs', pg_temp.io(its_run, j.id, 'r'),
        'outputs', pg_temp.io(its_run, j.id, 'w'),
        'location', f.facets #>> '{sourceCodeLocation,url}',
        'latestRun', pg_temp.run(latest),
        'facets', f.facets
    )
    FROM lineage.jobs AS j
    CROSS JOIN LATERAL (SELECT pg_temp.job_facets(j.id) AS facets) AS f
    WHERE j.id = its_job
$$;
