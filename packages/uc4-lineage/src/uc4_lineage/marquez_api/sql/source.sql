SELECT pg_temp.source(%(source)s);
