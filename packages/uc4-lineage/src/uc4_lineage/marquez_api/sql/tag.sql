SELECT json_build_object('name', name, 'description', description)
FROM lineage.tags
WHERE name = %(tag)s;
