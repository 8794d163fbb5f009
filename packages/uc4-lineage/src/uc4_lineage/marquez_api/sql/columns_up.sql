-- What some fields were made from. An origin of the whole dataset is one of each field.
SELECT DISTINCT ON (at.dataset, at.field, e.input_id, e.input_field)
    e.input_id, e.input_field, at.dataset, at.field, e.description,
    pg_temp.transformation(e.type, e.subtype, e.masking)
FROM unnest(%(datasets)s::integer[], %(fields)s::text[]) AS at (dataset, field)
JOIN lineage.column_edges AS e
    ON e.output_id = at.dataset AND e.output_field IN (at.field, '')
JOIN lineage.datasets AS d ON d.id = e.input_id AND NOT d.hidden
WHERE %(until)s::timestamptz IS NULL OR e.first_at <= %(until)s
ORDER BY
    at.dataset, at.field, e.input_id, e.input_field,
    e.type <> 'DIRECT', e.last_at DESC;
