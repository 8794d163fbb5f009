-- Which field each field is made from. A job may have changed: of each of its outputs
-- only what the last run that told said, so that a field it dropped is dropped here.
WITH told AS (
    SELECT
        origins.*,
        first_value(run_id) OVER (
            PARTITION BY job_id, output_id ORDER BY last_at DESC, run_id
        ) AS last_run
    FROM lineage.column_edges AS origins
)
SELECT
    job_id, output_id, output_field, input_id, input_field,
    type, subtype, description, masking
FROM told
WHERE
    run_id = last_run
    AND job_id NOT IN (SELECT id FROM lineage.jobs WHERE hidden)
    AND output_id NOT IN (SELECT id FROM lineage.datasets WHERE hidden)
    AND input_id NOT IN (SELECT id FROM lineage.datasets WHERE hidden)
ORDER BY job_id, output_id, output_field, input_id, input_field, type, subtype
