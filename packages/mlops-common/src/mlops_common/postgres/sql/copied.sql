SELECT copying.tuples_processed
FROM pg_stat_progress_copy AS copying
JOIN pg_stat_activity AS activity USING (pid)
WHERE activity.application_name = %s
