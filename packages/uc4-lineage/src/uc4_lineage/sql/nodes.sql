-- The nodes with these keys: the id of a dataset, or minus the id of a job.
SELECT id AS key, namespace, name
FROM lineage.datasets
WHERE id = ANY(%(datasets)s::integer[])
UNION ALL
SELECT -id, namespace, name
FROM lineage.jobs
WHERE id = ANY(%(jobs)s::integer[])
