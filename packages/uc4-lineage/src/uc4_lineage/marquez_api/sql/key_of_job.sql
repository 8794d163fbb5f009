SELECT -pg_temp.job_id(%(namespace)s, %(name)s);
