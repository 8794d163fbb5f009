-- Nodes whose id ends with a text, those first that are meant most probably: it is the
-- id, it is the name, it begins where a part of the name does, or anywhere. A dataset is
-- meant by its other names too.
WITH nodes AS (
    SELECT
        id AS key, namespace, name,
        name AS called, 'dataset:' || namespace || ':' || name AS node
    FROM lineage.datasets
    WHERE NOT hidden AND %(datasets)s
    UNION ALL
    SELECT
        datasets.id, datasets.namespace, datasets.name,
        others.name, 'dataset:' || others.namespace || ':' || others.name
    FROM lineage.symlinks AS others
    INNER JOIN lineage.datasets ON others.dataset_id = datasets.id
    WHERE NOT datasets.hidden AND %(datasets)s
    UNION ALL
    SELECT -id, namespace, name, name, 'job:' || namespace || ':' || name
    FROM lineage.jobs
    WHERE NOT hidden AND %(jobs)s
),

ranked AS (
    SELECT
        key, namespace, name, node,
        CASE
            WHEN node = %(text)s THEN 0
            WHEN called = %(text)s THEN 1
            WHEN right(node, length(%(text)s) + 1) ~ '^[^[:alnum:]_]' THEN 2
            ELSE 3
        END AS rank
    FROM nodes
    WHERE right(node, length(%(text)s)) = %(text)s
),

found AS (
    SELECT DISTINCT ON (key) key, namespace, name, node, rank
    FROM ranked
    ORDER BY key, rank, node
)

SELECT key, namespace, name, rank
FROM found
ORDER BY rank, node
LIMIT %(limit)s
