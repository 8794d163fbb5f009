-- Every dataset, and whether it has columns and an owner.
SELECT
    datasets.namespace,
    datasets.name,
    coalesce(facets.described, false) AS described,
    coalesce(facets.owned, false) AS owned
FROM lineage.datasets
LEFT JOIN (
    SELECT
        dataset_id,
        bool_or(name = 'schema' AND facet @? '$.fields[*].name') AS described,
        bool_or(name = 'ownership' AND facet @? '$.owners[*].name') AS owned
    FROM lineage.dataset_facets
    WHERE name IN ('schema', 'ownership') AND NOT deleted
    GROUP BY dataset_id
) AS facets ON facets.dataset_id = datasets.id
WHERE datasets.named AND NOT datasets.hidden
ORDER BY datasets.namespace, datasets.name
