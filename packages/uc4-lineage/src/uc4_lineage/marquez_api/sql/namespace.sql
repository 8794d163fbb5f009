SELECT pg_temp.namespace(%(namespace)s);
