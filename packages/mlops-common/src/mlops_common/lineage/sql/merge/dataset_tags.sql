WITH new AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s) AS new (
        dataset_id integer, field text, tag text, tagged_at timestamptz
    )
),
named AS (
    INSERT INTO lineage.tags (name)
    SELECT DISTINCT tag FROM new
    ON CONFLICT (name) DO NOTHING
)
INSERT INTO lineage.dataset_tags AS old (dataset_id, field, tag, tagged_at, by_facet)
SELECT dataset_id, field, tag, tagged_at, true
FROM new
ON CONFLICT (dataset_id, field, tag) DO UPDATE SET
    tagged_at = least(old.tagged_at, excluded.tagged_at)
WHERE excluded.tagged_at < old.tagged_at
