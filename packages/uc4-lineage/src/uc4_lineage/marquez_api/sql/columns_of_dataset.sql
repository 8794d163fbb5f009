SELECT output_id, output_field FROM lineage.column_edges
WHERE output_id = %(key)s AND output_field <> ''
UNION
SELECT input_id, input_field FROM lineage.column_edges WHERE input_id = %(key)s;
