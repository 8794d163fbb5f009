-- Names of datasets, the type of each of their fields, as far as it is told, and the
-- version that was current.
SELECT d.id, d.namespace, d.name, (
    SELECT coalesce(jsonb_object_agg(field ->> 'name', field ->> 'type'), '{}')
    FROM lineage.dataset_facets AS f
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN jsonb_typeof(f.facet -> 'fields') = 'array'
        THEN f.facet -> 'fields' ELSE '[]' END
    ) AS field
    WHERE f.dataset_id = d.id AND f.name = 'schema' AND NOT f.deleted
        AND field ->> 'name' IS NOT NULL
), pg_temp.current_version(
    d.id, coalesce(%(until)s::timestamptz, 'infinity')
)::text
FROM lineage.datasets AS d
WHERE d.id = ANY(%(datasets)s::integer[]);
