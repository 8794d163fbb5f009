SELECT DISTINCT output_id, output_field FROM pg_temp.origins(%(until)s::timestamptz)
WHERE job_id = -%(key)s AND output_field <> '';
