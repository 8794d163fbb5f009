INSERT INTO lineage.column_edges AS old (
    job_id, output_id, output_field, input_id, input_field, type, subtype, description,
    masking, run_id, first_at, last_at, told_by
)
SELECT
    job_id, output_id, output_field, input_id, input_field, type, subtype, description,
    masking, run_id, first_at, last_at, told_by
FROM json_to_recordset(%s) AS new (
    job_id integer, output_id integer, output_field text, input_id integer,
    input_field text, type text, subtype text, description text, masking boolean,
    run_id uuid, first_at timestamptz, last_at timestamptz, told_by uuid
)
ON CONFLICT (
    job_id, output_id, output_field, input_id, input_field, type, subtype
) DO UPDATE SET
    (description, masking, run_id, last_at, told_by) = (
        SELECT e.description, e.masking, e.run_id, e.at, e.digest
        FROM (VALUES
            (old.description, old.masking, old.run_id, old.last_at, old.told_by, 0),
            (excluded.description, excluded.masking, excluded.run_id,
                excluded.last_at, excluded.told_by, 1)
        ) AS e (description, masking, run_id, at, digest, told)
        ORDER BY e.at DESC, e.digest DESC, e.told DESC
        LIMIT 1
    ),
    first_at = least(old.first_at, excluded.first_at)
