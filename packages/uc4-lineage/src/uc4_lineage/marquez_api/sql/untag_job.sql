DELETE FROM lineage.job_tags
WHERE job_id = pg_temp.job_id(%(namespace)s, %(job)s) AND tag = %(tag)s;
