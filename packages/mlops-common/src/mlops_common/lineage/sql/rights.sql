-- Whether the user may write events, NULL where their table is not made yet, and whether
-- the user may make it.
SELECT
    has_schema_privilege(schemas.oid, 'USAGE')
    AND has_table_privilege(tables.oid, 'INSERT'),
    has_database_privilege(current_database(), 'CREATE')
FROM (SELECT) AS always
LEFT JOIN pg_namespace AS schemas ON schemas.nspname = 'lineage'
LEFT JOIN pg_class AS tables
    ON tables.relnamespace = schemas.oid AND tables.relname = 'events'
