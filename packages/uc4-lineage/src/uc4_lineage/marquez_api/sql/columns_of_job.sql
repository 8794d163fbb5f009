SELECT DISTINCT output_id, output_field FROM lineage.column_edges
WHERE job_id = -%(key)s AND output_field <> '';
