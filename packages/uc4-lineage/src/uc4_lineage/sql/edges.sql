-- All edges in one value, 8 bytes each: a message for each row would cost more than the
-- rows. The job, less than 0 where it writes, then the dataset; big-endian.
SELECT coalesce(
    string_agg(
        int4send(CASE direction WHEN 'w' THEN -job_id ELSE job_id END)
        || int4send(dataset_id),
        ''
    ),
    ''
)
FROM lineage.edges
