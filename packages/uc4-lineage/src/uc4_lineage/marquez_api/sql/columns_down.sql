-- What was made from some fields. What the whole of a dataset was made from, each of
-- the fields was that the same job made.
SELECT DISTINCT ON (at.dataset, at.field, e.output_id, made.field)
    at.dataset, at.field, e.output_id, made.field, nullif(e.description, ''),
    pg_temp.transformation(e.type, e.subtype, e.masking)
FROM unnest(%(datasets)s::integer[], %(fields)s::text[]) AS at (dataset, field)
JOIN pg_temp.origins(%(until)s::timestamptz) AS e
    ON e.input_id = at.dataset AND e.input_field = at.field
CROSS JOIN LATERAL (
    SELECT e.output_field AS field WHERE e.output_field <> ''
    UNION
    SELECT beside.output_field
    FROM pg_temp.origins(%(until)s::timestamptz) AS beside
    WHERE e.output_field = '' AND beside.output_id = e.output_id
        AND beside.job_id = e.job_id AND beside.output_field <> ''
) AS made
ORDER BY
    at.dataset, at.field, e.output_id, made.field,
    e.type <> 'DIRECT', e.last_at DESC;
