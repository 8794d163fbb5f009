-- Nodes whose id ends with a text, those first that are meant most probably: it is the
-- id, it is the name, it begins where a part of the name does, or anywhere.
WITH nodes AS (
    SELECT id AS key, namespace, name, 'dataset:' || namespace || ':' || name AS node
    FROM lineage.datasets
    WHERE NOT hidden AND %(datasets)s
    UNION ALL
    SELECT -id, namespace, name, 'job:' || namespace || ':' || name
    FROM lineage.jobs
    WHERE NOT hidden AND %(jobs)s
)
SELECT
    key, namespace, name,
    CASE
        WHEN node = %(text)s THEN 0
        WHEN name = %(text)s THEN 1
        WHEN right(node, length(%(text)s) + 1) ~ '^[^[:alnum:]_]' THEN 2
        ELSE 3
    END AS rank
FROM nodes
WHERE right(node, length(%(text)s)) = %(text)s
ORDER BY rank, node
LIMIT %(limit)s
