-- Datasets and their versions as Marquez shows them.
CREATE FUNCTION pg_temp.dataset_facets(its_dataset integer) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(name, facet), '{}')
    FROM lineage.dataset_facets
    WHERE dataset_id = its_dataset AND NOT deleted
$$;

CREATE FUNCTION pg_temp.transformation(type text, subtype text, masking boolean)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN masking THEN 'MASKED' ELSE coalesce(nullif(subtype, ''), nullif(type, ''))
    END
$$;

-- Which field each field was made from at a time, or is by now. A job may have changed:
-- of each of its outputs only what the last run that told said, as `origins` of the
-- questions has it. What was said before and after a time is taken as said then.
CREATE FUNCTION pg_temp.origins(until timestamptz) RETURNS SETOF lineage.column_edges
LANGUAGE sql STABLE AS $$
    SELECT e.*
    FROM lineage.column_edges AS e
    WHERE e.first_at <= coalesce(until, 'infinity')
        AND (e.last_at > until OR e.run_id = (
            SELECT told.run_id
            FROM lineage.column_edges AS told
            WHERE told.job_id = e.job_id AND told.output_id = e.output_id
                AND told.last_at <= coalesce(until, 'infinity')
            ORDER BY told.last_at DESC, told.run_id
            LIMIT 1
        ))
        AND NOT EXISTS (SELECT FROM lineage.jobs WHERE hidden AND id = e.job_id)
        AND NOT EXISTS (
            SELECT FROM lineage.datasets
            WHERE hidden AND id IN (e.output_id, e.input_id)
        )
$$;

CREATE FUNCTION pg_temp.column_lineage(its_dataset integer) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_agg(
        json_build_object(
            'name', field, 'inputFields', origins,
            'transformationDescription', origins -> 0 -> 'transformationDescription',
            'transformationType', origins -> 0 -> 'transformationType'
        )
        ORDER BY field
    )
    FROM (
        SELECT e.output_field AS field, json_agg(
            json_build_object(
                'namespace', d.namespace, 'dataset', d.name, 'field', e.input_field,
                'transformationDescription', nullif(e.description, ''),
                'transformationType',
                pg_temp.transformation(e.type, e.subtype, e.masking)
            )
            ORDER BY d.namespace, d.name, e.input_field, e.type, e.subtype
        ) AS origins
        FROM pg_temp.origins(NULL) AS e
        JOIN lineage.datasets AS d ON d.id = e.input_id
        WHERE e.output_id = its_dataset AND e.output_field <> ''
        GROUP BY e.output_field
    ) AS made
$$;

-- A dataset among others; all of it is what `dataset` gives.
CREATE FUNCTION pg_temp.dataset_summary(its_dataset integer) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', json_build_object('namespace', d.namespace, 'name', d.name),
        'type', pg_temp.dataset_type(d.namespace, f.facets),
        'name', d.name,
        'physicalName', d.name,
        'createdAt', pg_temp.instant(d.created_at),
        'updatedAt', pg_temp.instant(d.updated_at),
        'namespace', d.namespace,
        'sourceName', coalesce(d.source, 'default'),
        'fields', pg_temp.fields(d.id, f.facets #> '{schema,fields}'),
        'tags', pg_temp.tags(d.id, ''),
        'lastModifiedAt', pg_temp.instant(v.created_at),
        'lastLifecycleState', coalesce(v.lifecycle, ''),
        'description', f.facets #>> '{documentation,description}',
        'currentVersion', pg_temp.current_version(d.id),
        'deleted', d.hidden
    )
    FROM lineage.datasets AS d
    CROSS JOIN LATERAL (SELECT pg_temp.dataset_facets(d.id) AS facets) AS f
    LEFT JOIN LATERAL (
        SELECT created_at, lifecycle FROM lineage.dataset_versions
        WHERE dataset_id = d.id ORDER BY created_at DESC, id LIMIT 1
    ) AS v ON true
    WHERE d.id = its_dataset
$$;

CREATE FUNCTION pg_temp.dataset(its_dataset integer) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT (pg_temp.dataset_summary(its_dataset)::jsonb || jsonb_build_object(
        'columnLineage', pg_temp.column_lineage(its_dataset),
        'facets', pg_temp.dataset_facets(its_dataset)
    ))::json
$$;

CREATE FUNCTION pg_temp.dataset_version(its_dataset integer, its_version uuid)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', json_build_object(
            'namespace', d.namespace, 'name', d.name, 'version', v.id
        ),
        'type', pg_temp.dataset_type(d.namespace, v.facets),
        'name', d.name,
        'physicalName', d.name,
        'createdAt', pg_temp.instant(v.created_at),
        'version', v.id,
        'namespace', d.namespace,
        'sourceName', coalesce(d.source, 'default'),
        'fields', pg_temp.fields(d.id, v.fields),
        'tags', pg_temp.tags(d.id, ''),
        'lifecycleState', coalesce(v.lifecycle, ''),
        'description', v.facets #>> '{documentation,description}',
        'currentSchemaVersion', md5(coalesce(v.fields, '[]')::text)::uuid,
        'createdByRun', pg_temp.run(v.run_id),
        'facets', v.facets
    )
    FROM pg_temp.versions AS v
    JOIN lineage.datasets AS d ON d.id = v.dataset_id
    WHERE v.dataset_id = its_dataset AND v.id = its_version
$$;
