-- How some runs ended, and how many datasets each and its steps named.
WITH RECURSIVE families AS (
    SELECT id AS root, id
    FROM lineage.runs
    WHERE
        id = ANY(%(runs)s::uuid[])
        -- A run that others only name as their parent told nothing itself.
        AND EXISTS (SELECT FROM lineage.events WHERE run_id = runs.id)
    UNION
    SELECT families.root, children.id
    FROM families
    INNER JOIN lineage.runs AS children ON children.parent_id = families.id
)
SELECT runs.id, runs.state, count(DISTINCT named.dataset_id) AS datasets
FROM families
INNER JOIN lineage.runs ON runs.id = families.root
LEFT JOIN lineage.run_datasets AS named ON named.run_id = families.id
GROUP BY runs.id
