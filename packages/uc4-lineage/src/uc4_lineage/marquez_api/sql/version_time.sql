-- When a version of a dataset or of a job began.
SELECT created_at FROM pg_temp.versions
WHERE dataset_id = %(key)s AND id = %(version)s::uuid
UNION ALL
SELECT created_at FROM pg_temp.job_versions(-%(key)s) WHERE version = %(version)s::uuid;
