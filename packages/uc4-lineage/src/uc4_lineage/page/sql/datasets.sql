-- What the store knows of datasets besides their facets.
SELECT
    datasets.id, datasets.created_at, datasets.updated_at, datasets.source,
    ARRAY(
        SELECT tags.tag
        FROM lineage.dataset_tags AS tags
        WHERE tags.dataset_id = datasets.id AND tags.field = ''
        ORDER BY tags.tag
    ) AS tags,
    ARRAY(
        SELECT others.namespace || ' ' || others.name
        FROM lineage.symlinks AS others
        WHERE
            others.dataset_id = datasets.id
            AND (others.namespace, others.name)
            <> (datasets.namespace, datasets.name)
        ORDER BY others.namespace, others.name
        LIMIT 10
    ) AS other_names
FROM lineage.datasets AS datasets
WHERE datasets.id = ANY(%(ids)s::integer[])
