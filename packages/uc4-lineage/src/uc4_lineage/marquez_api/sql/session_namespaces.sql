-- Namespaces and sources as Marquez shows them.
CREATE FUNCTION pg_temp.namespace(its_name text) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'name', name,
        'createdAt', pg_temp.instant(created_at),
        'updatedAt', pg_temp.instant(updated_at),
        'ownerName', owner,
        'description', description,
        'isHidden', hidden
    )
    FROM lineage.namespaces
    WHERE name = its_name
$$;

-- What has no source of its own is of this one, as in Marquez. The login of a URL is
-- nobody's business.
CREATE TEMP VIEW sources AS
SELECT
    name, type, created_at, updated_at, description,
    regexp_replace(coalesce(connection_url, ''), '://[^/?#]*@', '://') AS connection_url
FROM lineage.sources
UNION ALL
SELECT 'default', 'POSTGRESQL', min(created_at), max(updated_at), NULL, ''
FROM lineage.datasets
WHERE source IS NULL AND NOT EXISTS (SELECT FROM lineage.sources WHERE name = 'default')
HAVING count(*) > 0;

CREATE FUNCTION pg_temp.source(its_name text) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'type', type,
        'name', name,
        'createdAt', pg_temp.instant(created_at),
        'updatedAt', pg_temp.instant(updated_at),
        'connectionUrl', connection_url,
        'description', description
    )
    FROM pg_temp.sources
    WHERE name = its_name
$$;
