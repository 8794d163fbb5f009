-- The columns of a table or view as a query names it, with its schema and its owner.
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), a.attname,
       format_type(a.atttypid, a.atttypmod)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.oid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
