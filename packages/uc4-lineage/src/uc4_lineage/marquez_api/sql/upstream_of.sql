-- The runs that made what some runs read.
SELECT DISTINCT run_id
FROM pg_temp.versions_read
WHERE reader = ANY(%(runs)s::uuid[]) AND run_id IS NOT NULL;
