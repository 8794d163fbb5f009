SELECT pg_temp.run(%(run)s::uuid);
