WITH new AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s) AS new (
        job_id integer, tag text, tagged_at timestamptz
    )
),
named AS (
    INSERT INTO lineage.tags (name)
    SELECT DISTINCT tag FROM new
    ON CONFLICT (name) DO NOTHING
)
INSERT INTO lineage.job_tags AS old (job_id, tag, tagged_at, by_facet)
SELECT job_id, tag, tagged_at, true
FROM new
ON CONFLICT (job_id, tag) DO UPDATE SET
    tagged_at = least(old.tagged_at, excluded.tagged_at)
WHERE excluded.tagged_at < old.tagged_at
