SELECT (
    SELECT d.id
    FROM (SELECT pg_temp.dataset_id(%(namespace)s, %(name)s) AS id) AS d
    WHERE EXISTS (
        SELECT FROM lineage.column_edges
        WHERE output_id = d.id AND output_field = %(field)s
    ) OR EXISTS (
        SELECT FROM lineage.column_edges
        WHERE input_id = d.id AND input_field = %(field)s
    ) OR EXISTS (
        SELECT FROM lineage.dataset_facets AS f
        WHERE f.dataset_id = d.id AND f.name = 'schema'
            AND f.facet -> 'fields' @> jsonb_build_array(
                jsonb_build_object('name', %(field)s::text)
            )
    )
);
