-- The dataset that each of these names stands for, where it is another.
SELECT link.namespace, link.name, dataset.namespace, dataset.name
FROM unnest(%s::text[], %s::text[]) AS named (namespace, name)
JOIN lineage.symlinks AS link USING (namespace, name)
JOIN lineage.datasets AS dataset ON dataset.id = link.dataset_id
WHERE (link.namespace, link.name) <> (dataset.namespace, dataset.name)
