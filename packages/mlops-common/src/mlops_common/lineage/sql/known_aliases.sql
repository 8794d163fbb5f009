-- The dataset that each of these names stands for, where it is another.
SELECT link.namespace, link.name, dataset.namespace, dataset.name
FROM json_to_recordset(%s) AS named (namespace text, name text)
JOIN lineage.symlinks AS link USING (namespace, name)
JOIN lineage.datasets AS dataset ON dataset.id = link.dataset_id
WHERE (link.namespace, link.name) <> (dataset.namespace, dataset.name)
