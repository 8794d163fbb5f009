INSERT INTO lineage.job_tags (job_id, tag, tagged_at)
VALUES (pg_temp.job_id(%(namespace)s, %(job)s), %(tag)s, now())
ON CONFLICT (job_id, tag) DO NOTHING;
