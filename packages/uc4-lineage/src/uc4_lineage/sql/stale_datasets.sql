-- Datasets that once were written, and not since; the longest ago first.
SELECT datasets.id, newest.at
FROM lineage.datasets AS datasets
INNER JOIN LATERAL (
    SELECT max(versions.created_at) AS at
    FROM lineage.dataset_versions AS versions
    WHERE versions.dataset_id = datasets.id
) AS newest ON newest.at < %(before)s
WHERE NOT datasets.hidden
ORDER BY newest.at, datasets.namespace, datasets.name
