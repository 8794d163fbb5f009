SELECT pg_temp.job(pg_temp.job_id(%(namespace)s, %(job)s));
