-- The fields of a dataset that any event named.
SELECT fields.value ->> 'name' AS field
FROM lineage.dataset_facets AS facets
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(facets.facet -> 'fields')
        WHEN 'array' THEN facets.facet -> 'fields'
        ELSE '[]'
    END
) AS fields
WHERE
    facets.dataset_id = %(dataset)s
    AND facets.name = 'schema'
    AND NOT facets.deleted
    AND fields.value ->> 'name' <> ''
UNION
SELECT output_field
FROM lineage.column_edges
WHERE output_id = %(dataset)s AND output_field <> ''
UNION
SELECT input_field
FROM lineage.column_edges
WHERE input_id = %(dataset)s AND input_field <> ''
ORDER BY field
