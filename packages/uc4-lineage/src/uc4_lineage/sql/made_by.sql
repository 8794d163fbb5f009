-- The run that made a version of a dataset, the first one of several; without a version
-- the last that made any before a time.
SELECT
    made.run_id, runs.job_id, made.created_at,
    coalesce(made.version, '') AS version,
    coalesce(made.facets #>> '{mlops_location,uri}', '') AS uri
FROM lineage.dataset_versions AS made
LEFT JOIN lineage.runs AS runs ON made.run_id = runs.id
WHERE
    made.dataset_id = %(dataset)s
    AND CASE
        WHEN %(version)s::text <> '' THEN made.version = %(version)s
        ELSE coalesce(made.created_at <= %(before)s::timestamptz, true)
    END
ORDER BY
    CASE WHEN %(version)s::text <> '' THEN made.created_at END ASC,
    made.created_at DESC,
    made.id
LIMIT 1
