SELECT output_id, output_field FROM pg_temp.origins(%(until)s::timestamptz)
WHERE output_id = %(key)s AND output_field <> ''
UNION
SELECT input_id, input_field FROM pg_temp.origins(%(until)s::timestamptz)
WHERE input_id = %(key)s;
