SELECT json_build_object('runId', id, 'facets', pg_temp.run_facets(id))
FROM lineage.runs
WHERE id = %(run)s::uuid;
