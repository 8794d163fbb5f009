-- The columns of a table or view as a query names it, with its owner.
SELECT (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = attrelid),
       attname, format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
