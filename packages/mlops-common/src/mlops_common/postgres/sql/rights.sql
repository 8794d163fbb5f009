-- What the user may do, and what the server admits.
SELECT
    rolcreatedb OR rolsuper,
    pg_is_in_recovery(),
    current_setting('max_connections')::int
FROM pg_roles
WHERE rolname = current_user
