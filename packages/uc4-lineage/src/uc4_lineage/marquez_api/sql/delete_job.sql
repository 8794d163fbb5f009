UPDATE lineage.jobs SET hidden = true
WHERE id = pg_temp.job_id(%(namespace)s, %(job)s)
RETURNING id;
