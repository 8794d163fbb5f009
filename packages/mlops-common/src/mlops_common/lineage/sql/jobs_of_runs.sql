-- The jobs that some of these runs are of.
SELECT DISTINCT run.job_id
FROM json_to_recordset(%s) AS new (id uuid)
JOIN lineage.runs AS run USING (id)
