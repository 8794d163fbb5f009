-- Where a service answered with a version of its model, and the run that deployed it.
SELECT
    made.dataset_id, made.run_id, made.created_at,
    coalesce(made.facets #>> '{mlops_location,uri}', '') AS uri
FROM lineage.dataset_versions AS made
INNER JOIN lineage.datasets AS datasets ON made.dataset_id = datasets.id
WHERE
    starts_with(datasets.namespace, 'kserve://')
    AND datasets.name = %(service)s
    AND made.version = %(version)s
ORDER BY
    coalesce(made.created_at <= %(at)s::timestamptz, true) DESC,
    made.created_at DESC
LIMIT 1
