SELECT json_build_object('namespace', j.namespace, 'name', j.name)
FROM lineage.runs AS r
JOIN lineage.jobs AS j ON j.id = r.job_id
WHERE r.id = %(run)s::uuid;
