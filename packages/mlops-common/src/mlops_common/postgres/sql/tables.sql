-- The tables and views that this user may see, with their columns.
SELECT
  CASE WHEN table_schema = 'public' THEN table_name
       ELSE table_schema || '.' || table_name END AS name,
  array_agg(column_name::text ORDER BY ordinal_position) AS columns
FROM information_schema.columns
WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
GROUP BY table_schema, table_name
ORDER BY 1
