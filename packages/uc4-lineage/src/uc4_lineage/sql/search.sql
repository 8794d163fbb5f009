-- Nodes whose name contains a text, in any case; with when they were last heard of.
WITH nodes AS (
    SELECT id AS key, namespace, name, updated_at
    FROM lineage.datasets
    WHERE named AND NOT hidden
    UNION ALL
    SELECT -id, namespace, name, updated_at
    FROM lineage.jobs
    WHERE NOT hidden
)
SELECT key, namespace, name, updated_at
FROM nodes
WHERE position(lower(%(text)s) IN lower(namespace || ':' || name)) > 0
ORDER BY key > 0, name, namespace
LIMIT %(limit)s
