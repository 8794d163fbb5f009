-- What some fields were made from. An origin of the whole dataset is one of each field.
SELECT DISTINCT ON (at.dataset, at.field, e.input_id, e.input_field)
    e.input_id, e.input_field, at.dataset, at.field, nullif(e.description, ''),
    pg_temp.transformation(e.type, e.subtype, e.masking)
FROM unnest(%(datasets)s::integer[], %(fields)s::text[]) AS at (dataset, field)
JOIN pg_temp.origins(%(until)s::timestamptz) AS e
    ON e.output_id = at.dataset AND e.output_field IN (at.field, '')
ORDER BY
    at.dataset, at.field, e.input_id, e.input_field,
    e.type <> 'DIRECT', e.last_at DESC;
