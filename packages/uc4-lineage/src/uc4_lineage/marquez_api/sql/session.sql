-- How Marquez shows what the store holds. The functions are the session's own: no other
-- program meets them, and they are as new as the code that calls them.
SET TIME ZONE 'UTC';
SET jit = off;

CREATE FUNCTION pg_temp.instant(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

CREATE FUNCTION pg_temp.dataset_id(its_namespace text, its_name text) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT d.id
    FROM lineage.datasets AS d
    WHERE NOT d.hidden AND d.id = coalesce(
        (SELECT id FROM lineage.datasets
            WHERE (namespace, name) = (its_namespace, its_name)),
        (SELECT dataset_id FROM lineage.symlinks
            WHERE (namespace, name) = (its_namespace, its_name))
    )
$$;

-- Marquez puts the name of the job above it before a job's own, unless it is there.
CREATE FUNCTION pg_temp.job_id(its_namespace text, its_name text) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT id FROM lineage.jobs
            WHERE (namespace, name) = (its_namespace, its_name) AND NOT hidden),
        (SELECT j.id
            FROM lineage.jobs AS j
            JOIN lineage.runs AS r ON r.job_id = j.id
            JOIN lineage.runs AS above ON above.id = r.parent_id
            JOIN lineage.jobs AS p ON p.id = above.job_id
            WHERE j.namespace = its_namespace AND NOT j.hidden
                AND right(its_name, length(j.name) + 1) = '.' || j.name
                AND its_name = p.name || '.' || j.name
            LIMIT 1)
    )
$$;

-- A job has a number here, and a UUID for Marquez.
CREATE FUNCTION pg_temp.job_uuid(its_namespace text, its_name text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT md5(concat_ws(E'\n', 'job', its_namespace, its_name))::uuid
$$;

-- Two runs of a job that read and wrote the same datasets are of one version of it.
CREATE FUNCTION pg_temp.job_version(its_run uuid, its_job integer) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT md5(concat_ws(E'\n', j.namespace, j.name, (
        SELECT string_agg(
            concat_ws(E'\n', r.direction, d.namespace, d.name), E'\n'
            ORDER BY r.direction, d.namespace, d.name
        )
        FROM lineage.run_datasets AS r
        JOIN lineage.datasets AS d ON d.id = r.dataset_id
        WHERE r.run_id = its_run AND r.job_id = its_job
    )))::uuid
    FROM lineage.jobs AS j
    WHERE j.id = its_job
$$;

CREATE FUNCTION pg_temp.io(its_run uuid, its_job integer, its_direction "char")
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        json_agg(
            json_build_object('namespace', d.namespace, 'name', d.name)
            ORDER BY d.namespace, d.name
        ),
        '[]'
    )
    FROM lineage.run_datasets AS r
    JOIN lineage.datasets AS d ON d.id = r.dataset_id
    WHERE r.run_id = its_run AND r.job_id = its_job AND r.direction = its_direction
$$;

-- A dataset that nobody wrote, as far as the store knows, has one version all the same.
CREATE FUNCTION pg_temp.unwritten(its_namespace text, its_name text) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(concat_ws(E'\n', 'dataset', its_namespace, its_name))::uuid
$$;

CREATE TEMP VIEW versions AS
SELECT id, dataset_id, run_id, facets, fields, lifecycle, created_at
FROM lineage.dataset_versions
UNION ALL
SELECT
    pg_temp.unwritten(d.namespace, d.name), d.id, NULL, f.facets,
    f.facets #> '{schema,fields}', NULL, d.created_at
FROM lineage.datasets AS d
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(name, facet), '{}') AS facets
    FROM lineage.dataset_facets
    WHERE dataset_id = d.id AND NOT deleted
) AS f
WHERE NOT EXISTS (SELECT FROM lineage.dataset_versions WHERE dataset_id = d.id);

-- The version that a run found: the newest when it began, or else the first.
CREATE FUNCTION pg_temp.version_read(
    its_dataset integer, its_run uuid, until timestamptz
) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT id FROM lineage.dataset_versions
            WHERE dataset_id = its_dataset AND created_at <= until
                AND run_id IS DISTINCT FROM its_run
            ORDER BY created_at DESC, id LIMIT 1),
        (SELECT id FROM lineage.dataset_versions
            WHERE dataset_id = its_dataset AND run_id IS DISTINCT FROM its_run
            ORDER BY created_at, id LIMIT 1),
        (SELECT pg_temp.unwritten(namespace, name) FROM lineage.datasets
            WHERE id = its_dataset)
    )
$$;

CREATE FUNCTION pg_temp.current_version(
    its_dataset integer, until timestamptz DEFAULT 'infinity'
) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT id FROM lineage.dataset_versions
            WHERE dataset_id = its_dataset AND created_at <= until
            ORDER BY created_at DESC, id LIMIT 1),
        (SELECT pg_temp.unwritten(namespace, name) FROM lineage.datasets
            WHERE id = its_dataset)
    )
$$;

CREATE FUNCTION pg_temp.tags(its_dataset integer, its_field text) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(tag ORDER BY tag), '[]')
    FROM lineage.dataset_tags
    WHERE dataset_id = its_dataset AND field = its_field
$$;

CREATE FUNCTION pg_temp.fields(its_dataset integer, told jsonb) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        json_agg(
            json_build_object(
                'name', f ->> 'name',
                'type', coalesce(f ->> 'type', ''),
                'tags', pg_temp.tags(its_dataset, f ->> 'name'),
                'description', f ->> 'description'
            )
            ORDER BY n
        ),
        '[]'
    )
    FROM jsonb_array_elements(
        CASE WHEN jsonb_typeof(told) = 'array' THEN told ELSE '[]' END
    ) WITH ORDINALITY AS field (f, n)
$$;

CREATE FUNCTION pg_temp.dataset_type(its_namespace text, facets jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN its_namespace LIKE 'kafka:%'
            OR upper(facets #>> '{datasetType,datasetType}') IN ('STREAM', 'TOPIC')
        THEN 'STREAM' ELSE 'DB_TABLE'
    END
$$;
