INSERT INTO lineage.run_datasets AS old (
    run_id, job_id, dataset_id, direction, at, version, version_at
)
SELECT run_id, job_id, dataset_id, direction, at, version, version_at
FROM json_to_recordset(%s) AS new (
    run_id uuid, job_id integer, dataset_id integer, direction "char",
    at timestamptz, version_at timestamptz, version text
)
ON CONFLICT (run_id, job_id, dataset_id, direction) DO UPDATE SET
    at = greatest(old.at, excluded.at),
    (version_at, version) = (
        SELECT v.at, v.version
        FROM (VALUES
            (old.version_at, old.version), (excluded.version_at, excluded.version)
        ) AS v (at, version)
        ORDER BY v.at DESC NULLS LAST, v.version COLLATE "C" DESC
        LIMIT 1
    )
WHERE excluded.at > old.at OR excluded.version_at IS NOT NULL
